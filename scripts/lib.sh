# shellcheck shell=bash
# scripts/lib.sh - what scripts/server and scripts/test share. Sourced by bash.
#
# rsg_drop   the words that run a command as the unprivileged user; empty when
#            we are one already
# rsg_user   that user's name

rsg_user=resguardo
rsg_drop=()

# A command as the user that the server runs as.
rsg_as() {
	"${rsg_drop[@]}" "$@"
}

# With root's rights: as root, or by sudo.
rsg_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "packages are missing, and there is neither root nor sudo to install them: $*"
	fi
}

rsg_missing() {
	local p
	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

# Install what is not there. $1: the external database, if any; more words are
# more packages.
rsg_packages() {
	local need=(gcc libc6-dev pkg-config cmake ninja-build libpq-dev libsodium-dev
		libmicrohttpd-dev libjansson-dev libssl-dev libseccomp-dev
		tzdata ca-certificates curl gzip util-linux)
	local missing conf=/etc/postgresql-common/createcluster.conf
	[ -n "$1" ] || need+=(postgresql postgresql-client)
	need+=("${@:2}")
	mapfile -t missing < <(rsg_missing "${need[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		die "this machine has no apt-get; install the like of: ${missing[*]}"
	say "installing ${missing[*]}"
	rsg_apt update
	# The cluster is ours and private: the packages' own is not wanted.
	if [ -z "$1" ] && [ -n "$(rsg_missing postgresql)" ]; then
		rsg_apt install postgresql-common
		rsg_root sed -i 's/^#\?create_main_cluster *=.*/create_main_cluster = false/' "$conf"
	fi
	rsg_apt install "${missing[@]}"
}

rsg_apt() {
	local what=$1 log
	shift
	log=$(mktemp)
	if [ "$what" = install ]; then
		set -- --no-install-recommends -y "$@"
	fi
	if ! rsg_root env DEBIAN_FRONTEND=noninteractive apt-get -q "$what" "$@" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "apt-get $what failed"
	fi
	rm -f "$log"
}

# Build into $1, quietly unless it fails.
rsg_build() {
	local log
	log=$(mktemp)
	[ -e "$1/resguardo" ] || say "building (a minute or so)"
	if ! { [ -e "$1/build.ninja" ] || cmake -G Ninja -S . -B "$1" \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo -DRSG_TESTS=OFF; } >"$log" 2>&1 ||
		! ninja -C "$1" resguardo resguardo-vault resguardo-api >>"$log" 2>&1; then
		tail -n 40 "$log" >&2
		rm -f "$log"
		die "the build failed"
	fi
	rm -f "$log"
}

# As root, everything but packages and build is another user's.
rsg_user() {
	if [ "$(id -u)" != 0 ]; then
		rsg_user=$(id -un)
		return
	fi
	if ! id "$rsg_user" >/dev/null 2>&1; then
		useradd --system --user-group --home-dir /var/lib/resguardo \
			--create-home --shell /usr/sbin/nologin "$rsg_user"
	fi
	chmod 755 /var/lib/resguardo
	rsg_drop=(setpriv --reuid "$rsg_user" --regid "$rsg_user" --init-groups
		--inh-caps=-all env HOME=/var/lib/resguardo USER="$rsg_user" LOGNAME="$rsg_user")
}

# --- The private PostgreSQL cluster in $1/postgres, its socket in $1/run ---

# Where the programs of the cluster's version are, or of the newest one.
rsg_pg_bin() {
	local version='*' found
	if rsg_as test -e "$1/postgres/PG_VERSION"; then
		version=$(rsg_as cat "$1/postgres/PG_VERSION")
	fi
	# shellcheck disable=SC2086 # the star is meant
	found=$(printf '%s\n' /usr/lib/postgresql/$version/bin/postgres | sort -V | tail -n 1)
	[ -x "$found" ] || die "no PostgreSQL of version $version is installed"
	dirname "$found"
}

rsg_cluster_init() {
	local user log
	user=$(rsg_as id -un)
	log=$(mktemp)
	rsg_as "$2/initdb" -D "$1/postgres" --username=postgres --auth=peer --encoding=UTF8 \
		--locale=C.UTF-8 --data-checksums >"$log" 2>&1 || {
		cat "$log" >&2
		rm -f "$log"
		die "initdb failed"
	}
	rm -f "$log"
	rsg_as tee "$1/postgres/pg_hba.conf" >/dev/null <<-'TEXT'
		# Nobody but the server's own user, and nobody over the network.
		local all all peer map=resguardo
	TEXT
	printf 'resguardo %s %s\n' "$user" postgres "$user" resguardo_owner "$user" resguardo_app \
		"$user" resguardo_eraser "$user" resguardo_auditor |
		rsg_as tee "$1/postgres/pg_ident.conf" >/dev/null
	rsg_as tee -a "$1/postgres/postgresql.conf" >/dev/null <<-'TEXT'

		# Resguardo: reached by a socket alone; no statement and no value is logged.
		listen_addresses = ''
		unix_socket_permissions = 0700
		log_statement = none
		log_min_duration_statement = -1
		log_min_error_statement = panic
		log_parameter_max_length = 0
		log_parameter_max_length_on_error = 0
		log_error_verbosity = terse
		timezone = 'UTC'
		log_timezone = 'UTC'
		jit = off
	TEXT
	echo "shared_buffers = $(rsg_cluster_memory)MB" | rsg_as tee -a "$1/postgres/postgresql.conf" >/dev/null
}

# MiB for PostgreSQL to keep tables in: a quarter of what this machine, or the
# group that we run in, may use. Tables that fit are scanned without a copy.
rsg_cluster_memory() {
	local have group
	have=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)
	group=$(cat /sys/fs/cgroup/memory.max 2>/dev/null) || group=max
	[ "$group" = max ] || [ $((group >> 20)) -ge "$have" ] || have=$((group >> 20))
	have=$((have / 4))
	[ "$have" -ge 128 ] || have=128
	[ "$have" -le 2048 ] || have=2048
	echo "$have"
}

rsg_cluster_start() {
	local pg
	pg=$(rsg_pg_bin "$1")
	[ ${#1} -le 85 ] || die "the path $1 is too long for PostgreSQL's socket; choose a shorter --state"
	rsg_as test -e "$1/postgres/PG_VERSION" || rsg_cluster_init "$1" "$pg"
	rsg_as "$pg/pg_ctl" -D "$1/postgres" status >/dev/null && return 0
	rsg_as "$pg/pg_ctl" -D "$1/postgres" -l "$1/postgres.log" -w -t 60 \
		-o "-c unix_socket_directories='$1/run'" start >/dev/null || {
		rsg_as tail -n 5 "$1/postgres.log" >&2
		die "PostgreSQL did not start; its log is $1/postgres.log"
	}
}

rsg_cluster_stop() {
	local pg
	pg=$(rsg_pg_bin "$1") || return 0
	if rsg_as "$pg/pg_ctl" -D "$1/postgres" status >/dev/null 2>&1; then
		rsg_as "$pg/pg_ctl" -D "$1/postgres" -m fast -w stop >/dev/null
	fi
}

# The database and its roles, once. $2: the folder with migrations/.
rsg_cluster_prepare() {
	local pg share=$2
	pg=$(rsg_pg_bin "$1")
	[ -e "$share/migrations" ] || share=$2/share/resguardo
	if [ "$(rsg_as "$pg/psql" -h "$1/run" -U postgres -XAtqc \
		"SELECT count(*) FROM pg_database WHERE datname = 'resguardo'" postgres)" = 0 ]; then
		rsg_as "$pg/createdb" -h "$1/run" -U postgres resguardo
		rsg_as "$pg/psql" -h "$1/run" -U postgres -Xq -v ON_ERROR_STOP=1 \
			-f "$share/migrations/roles.sql" resguardo
	fi
}

# --- What to try first ---

rsg_demo_value() {
	rsg_as sed -n "s/^.*\"$2\": *\"\([^\"]*\)\".*$/\1/p" "$1/demo.json"
}

# One command a kind of user. $1: state, $2: as it is shown, $3: address.
rsg_demo_commands() {
	local curl="curl --cacert $2/tls/ca.pem" subject
	subject=$(rsg_demo_value "$1" subject)
	key() { printf -- "-H 'Authorization: Bearer %s'" "$(rsg_demo_value "$1" "$2")"; }
	cat <<-TEXT

		Four people may call. Each of these works as it stands:

		# the till greets a customer
		$curl $(key "$1" till) -H 'Resguardo-Place: store-1' '$3/v1/subjects/$subject?purpose=loyalty_account&fields=first_name,email,card_number'

		# the same customer looks at what is held
		$curl $(key "$1" customer) '$3/v1/subjects/$subject?purpose=data_subject_rights&fields=first_name,email,birth_date'

		# the compliance officer sees both
		$curl $(key "$1" officer) '$3/v1/audit?limit=5'

		# the marketing tool scores its customers, then pulls a segment of pseudonyms
		model=\$($curl -s $(key "$1" tool) -H 'Content-Type: application/json' -d '{"purpose": "segmentation"}' $3/v1/models | sed 's/.*"model": *"\([^"]*\)".*/\1/')
		$curl $(key "$1" tool) -H 'Accept: text/csv' "$3/v1/segments/S10/members?model=\$model"
	TEXT
}
