# shellcheck shell=bash
# scripts/tally.sh - how scripts/test counts what the runners say. Sourced.
#
# Whatever runs writes to its stage's log; what is counted stands there too, as
# lines that begin with ">>": ">>count PASSED FAILED SKIPPED", ">>FAIL what",
# ">>SKIP what". rsg_tally_* pass a runner's words on and add those lines; a
# runner that never came to its own sum is a failure.

rsg_count() { echo ">>count $1 $2 $3"; }
rsg_note() { echo ">>$1 $2"; }

# ctest -V over programs of cmocka: the tests inside each program are counted.
rsg_tally_ctest() {
	awk '
		{ print; fflush() }
		/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
			match($0, /#[0-9]+:/)
			id = substr($0, RSTART + 1, RLENGTH - 2)
			programs++
			p = pass[id] + 0; f = fail[id] + 0; s = skip[id] + 0
			rest = substr($0, RSTART + RLENGTH + 1)
			split(rest, word, " ")
			if (rest !~ / Passed +[0-9.]+ sec/ && f == 0) {
				f = 1
				bad[++nbad] = word[1] ": " rest
			}
			if (p + f + s == 0)
				p = 1
			P += p; F += f; S += s
			for (i = 1; i <= f && (id, i) in failname; i++)
				bad[++nbad] = word[1] ": " failname[id, i]
			for (i = 1; i <= s && (id, i) in skipname; i++)
				out[++nout] = word[1] ": " skipname[id, i]
			next
		}
		/^[0-9]+: \[  PASSED  \] [0-9]+ test/ { pass[id0()] += $5; next }
		/^[0-9]+: \[  FAILED  \] [0-9]+ test/ { fail[id0()] += $5; mode = "f"; next }
		/^[0-9]+: \[  SKIPPED \] [0-9]+ test/ { skip[id0()] += $5; mode = "s"; next }
		/^[0-9]+: \[  FAILED  \] [^ ]+$/ && mode == "f" { failname[id0(), ++nf[id0()]] = $5 }
		/^[0-9]+: \[  SKIPPED \] [^ ]+$/ && mode == "s" { skipname[id0(), ++ns[id0()]] = $5 }
		/^[0-9]+: \[==========\] .*[Rr]unning/ { mode = "" }
		/tests passed, [0-9]+ tests failed out of/ { whole = 1 }
		function id0() { return substr($1, 1, length($1) - 1) }
		END {
			if (!whole || programs == 0) {
				F++
				bad[++nbad] = "ctest did not come to its end"
			}
			print ">>count " P + 0, F + 0, S + 0
			for (i = 1; i <= nbad; i++) print ">>FAIL " bad[i]
			for (i = 1; i <= nout; i++) print ">>SKIP " out[i]
		}'
}

# pytest -v -rfEs
rsg_tally_pytest() {
	awk '
		{ print; fflush() }
		/^(FAILED|ERROR) / { name = $2; bad[++nbad] = name }
		/^SKIPPED \[[0-9]+\]/ { sub(/^SKIPPED /, ""); out[++nout] = $0 }
		/^=+ .* in [0-9.]+s.* =+$/ {
			whole = 1
			for (i = 2; i < NF; i++) {
				if ($(i + 1) ~ /^(passed|xfailed),?$/) P += $i
				if ($(i + 1) ~ /^(failed|errors?|xpassed),?$/) F += $i
				if ($(i + 1) ~ /^skipped,?$/) S += $i
			}
		}
		END {
			if (!whole || P + F + S == 0) {
				F++
				bad[++nbad] = "pytest did not come to its end, or found no test"
			}
			print ">>count " P + 0, F + 0, S + 0
			for (i = 1; i <= nbad; i++) print ">>FAIL " bad[i]
			for (i = 1; i <= nout; i++) print ">>SKIP " out[i]
		}'
}

# Programs that say "ok NAME" or "FAIL NAME: why" a line.
rsg_tally_lines() {
	awk '
		{ print; fflush() }
		/^ok / { P++ }
		/^FAIL / { F++; sub(/^FAIL +/, ""); bad[++nbad] = $0 }
		END {
			if (P + F == 0) {
				F++
				bad[++nbad] = "nothing was run"
			}
			print ">>count " P + 0, F + 0, 0
			for (i = 1; i <= nbad; i++) print ">>FAIL " bad[i]
		}'
}

# The sum of a log: "PASSED FAILED SKIPPED".
rsg_sum() {
	cat "$@" /dev/null | awk '/^>>count / { p += $2; f += $3; s += $4 }
		END { print p + 0, f + 0, s + 0 }'
}
