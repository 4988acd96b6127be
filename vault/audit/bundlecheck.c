#include "audit/bundlecheck.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/bundle.h"
#include "audit/entry.h"
#include "audit/logdir.h"
#include "audit/member.h"
#include "audit/merkle.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"
#include "resguardo/msg.h"

#define FORMAT		"resguardo-audit-bundle-1"
#define GIVEN_MAX	64
#define SAID_MAX	1000

struct day {
	uint8_t tag[RSG_TAG_LEN];
	int64_t count, seen;
	bool whole;
};

struct job {
	struct rsg_bundlecheck *b;
	const struct rsg_json *root;
	uint32_t controller;
	int64_t first;			/* day */
	struct day *day;
	size_t ndays;
	uint64_t *index;		/* of every access, ascending */
	char what[96];			/* what is being looked at, for messages */
};

static void __attribute__((format(printf, 2, 3)))
wrong(struct job *j, const char *format, ...)
{
	char text[512];
	va_list ap;
	int n;

	if (j->b->wrong++ >= SAID_MAX)
		return;
	n = snprintf(text, sizeof(text), "%s ", j->what);
	va_start(ap, format);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, format, ap);
	va_end(ap);
	j->b->say(j->b->ctx, true, text);
}

/* What nobody checks must not look as if somebody had. */
static void
only(struct job *j, const struct rsg_json *o, const char *names)
{
	if (!rsg__member_only(o, names))
		wrong(j, "has a member that a bundle does not have");
}

/* --- What an access says --- */

/* The member is this text, or absent where there is none. */
static void
same_text(struct job *j, const struct rsg_json *o, const char *name, const char *text)
{
	const struct rsg_json *v = rsg_json_get(o, name);
	const char *s = rsg_json_string(v, NULL);

	if (v == NULL && text[0] == '\0')
		return;
	if (s == NULL || strcmp(s, text) != 0)
		wrong(j, "'%s' is not what the entry says", name);
}

static void
same_int(struct job *j, const struct rsg_json *o, const char *name, int64_t n, bool any)
{
	const struct rsg_json *v = rsg_json_get(o, name);

	if (any ? rsg_json_type(v) != RSG_JSON_INT || rsg_json_int(v) != n : v != NULL)
		wrong(j, "'%s' is not what the entry says", name);
}

static void
same_hex(struct job *j, const struct rsg_json *o, const char *name, const uint8_t *p,
    size_t len)
{
	const struct rsg_json *v = rsg_json_get(o, name);
	uint8_t got[GIVEN_MAX];
	size_t n;

	if (len == 0 ? v != NULL : !rsg__member_hex(v, got, sizeof(got), &n) || n != len ||
	    memcmp(got, p, len) != 0)
		wrong(j, "'%s' is not what the entry says", name);
}

static void
same_words(struct job *j, const struct rsg_json *v, const struct rsg_entry *e)
{
	bool allowed = strcmp(e->decision, rsg_err_id(RSG_OK)) == 0;
	const struct rsg_json *fields = rsg_json_get(v, "fields");
	const char *name;
	int64_t time;

	if (!rsg__member_time(v, "time", &time) || time != e->time)
		wrong(j, "'time' is not what the entry says");
	same_text(j, v, "actor", e->actor_name);
	same_text(j, v, "role", e->role);
	same_text(j, v, "place", e->place);
	same_text(j, v, "action", e->action);
	same_text(j, v, "purpose", e->purpose);
	same_text(j, v, "decision", allowed ? "allow" : "deny");
	same_text(j, v, "clause", e->clause[0] != '\0' || allowed ? e->clause : e->decision);
	same_text(j, v, "legal_basis", e->basis);
	same_text(j, v, "recipient", e->recipient);
	same_int(j, v, "people", e->people, e->people > 0);
	same_hex(j, v, "policy", e->policy, sizeof(e->policy));
	for (size_t i = 0; i < e->nfields; i++) {
		name = rsg_json_string(rsg_json_at(fields, i), NULL);
		if (name == NULL || strcmp(name, e->field[i]) != 0)
			wrong(j, "'fields' is not what the entry says");
	}
	if (rsg_json_type(fields) != RSG_JSON_ARRAY || rsg_json_size(fields) != e->nfields)
		wrong(j, "'fields' is not what the entry says");
}

/* One of many: their commitment leads to the root that the entry holds. */
static void
check_share(struct job *j, const struct rsg_json *v, const struct rsg_entry *e)
{
	uint8_t key[32], given[GIVEN_MAX], commitment[32], leaf[32];
	const struct rsg_json *g = rsg_json_get(v, "given");
	struct rsg_proof path;
	int64_t position;
	size_t n = 0;
	bool release;

	only(j, v, "position key_share given pseudonym r f m hashes");
	if (!rsg__member_int(v, "position", 0, &position) || !rsg__member_hash(v, "key_share", key) ||
	    (g != NULL && !rsg__member_hex(g, given, sizeof(given), &n)) || !rsg__member_path(v, &path)) {
		wrong(j, "'share' is malformed");
		return;
	}
	rsg_entry_share(key, &j->b->subject, given, n, commitment);
	rsg_merkle_leaf(commitment, sizeof(commitment), leaf);
	if (rsg_tree_included(leaf, (uint64_t)position, e->people, &path,
	    e->root) != RSG_OK)
		wrong(j, "'share' does not lead to the entry's root: this person is not shown "
		    "to be among its many");
	release = n == RSG_ID_LEN + 3;
	if (n != 0 && !release)
		wrong(j, "'given' has a length that no release has");
	same_hex(j, v, "pseudonym", given, release ? RSG_ID_LEN : 0);
	same_int(j, v, "r", release ? given[RSG_ID_LEN] : 0, release);
	same_int(j, v, "f", release ? given[RSG_ID_LEN + 1] : 0, release);
	same_int(j, v, "m", release ? given[RSG_ID_LEN + 2] : 0, release);
}

static void
tell(struct job *j, const struct rsg_entry *e)
{
	char text[512], time[RSG_TIME_TEXT];

	rsg_clock_text(e->time, time);
	(void)snprintf(text, sizeof(text), "%s  %s%s%s%s by %s (%s)%s%s%s%s: %s", time,
	    e->people > 0 ? "among many, " : "", e->action,
	    e->purpose[0] != '\0' ? " for " : "", e->purpose, e->actor_name, e->role,
	    e->place[0] != '\0' ? " at " : "", e->place,
	    e->recipient[0] != '\0' ? " to " : "", e->recipient,
	    strcmp(e->decision, rsg_err_id(RSG_OK)) == 0 ? "allowed" : e->decision);
	j->b->say(j->b->ctx, false, text);
}

/* --- One access --- */

static struct day *
day_of(struct job *j, int64_t time)
{
	int64_t d = rsg_clock_day(time) - j->first;

	return d >= 0 && (size_t)d < j->ndays ? &j->day[d] : NULL;
}

/* An entry about one person has the tag of its day. */
static void
check_tag(struct job *j, const struct rsg_leaf *l)
{
	struct day *d = day_of(j, (int64_t)l->hour * 3600 * RSG_US);

	if (d == NULL)
		wrong(j, "lies outside of the bundle's days");
	else if (memcmp(d->tag, l->tag, RSG_TAG_LEN) != 0)
		wrong(j, "does not have the tag of its day");
	else
		d->seen++;
}

static void
check_opened(struct job *j, const struct rsg_json *v, const struct rsg_leaf *l,
    const uint8_t *leaf, size_t len)
{
	const struct rsg_json *share = rsg_json_get(v, "share");
	uint8_t text[RSG_ENTRY_TEXT];
	struct rsg_opening o;
	struct rsg_entry e;
	struct rsg_id about;

	if (!rsg__member_hash(v, "key_done", o.done) || !rsg__member_hash(v, "hash_who", o.who) ||
	    !rsg__member_hash(v, "key_about", o.about)) {
		wrong(j, "has no keys to be opened with, or malformed ones");
		return;
	}
	if (rsg_entry_shown(&o, j->controller, leaf, len, text, &e, &about) != RSG_OK) {
		wrong(j, "is not opened by its keys");
		return;
	}
	j->b->opened++;
	same_words(j, v, &e);
	if (e.time < j->b->from || e.time >= j->b->to)
		wrong(j, "lies outside of the bundle's period");
	if (rsg_id_eq(&about, &j->b->subject) && share == NULL)
		check_tag(j, l);
	else if (rsg_id_nil(&about) && e.people > 0 && share != NULL)
		check_share(j, share, &e);
	else
		wrong(j, "is not about this person");
	tell(j, &e);
}

/* Entries of the first form are shown to stand in the log, and no more. */
static void
check_closed(struct job *j, const struct rsg_json *v, const struct rsg_leaf *l)
{
	static const char *const none[] = { "time", "actor", "role", "place", "action",
	    "purpose", "decision", "clause", "legal_basis", "recipient", "policy",
	    "people", "share", "key_done", "hash_who", "key_about" };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		if (rsg_json_get(v, none[i]) != NULL)
			wrong(j, "says '%s' of an entry that is not opened", none[i]);
	if (rsg_json_type(rsg_json_get(v, "fields")) != RSG_JSON_ARRAY ||
	    rsg_json_size(rsg_json_get(v, "fields")) != 0)
		wrong(j, "says 'fields' of an entry that is not opened");
	check_tag(j, l);
}

static void
check_access(struct job *j, const struct rsg_json *v, size_t i)
{
	uint8_t leaf[RSG_LEAF_MAX], hash[RSG_HASH_LEN];
	const char *id = rsg_json_string(rsg_json_get(v, "audit_entry"), NULL);
	char name[RSG_ID_TEXT];
	struct rsg_proof path;
	struct rsg_leaf l;
	int64_t index;
	size_t len;

	(void)snprintf(j->what, sizeof(j->what), "access %zu (entry %.36s)", i + 1,
	    id != NULL && strlen(id) == RSG_ID_TEXT - 1 &&
	    rsg_msg_name((const uint8_t *)id, strlen(id)) ? id : "?");
	only(j, v, "audit_entry time actor role place action purpose decision clause "
	    "legal_basis recipient fields policy people share leaf key_done hash_who "
	    "key_about index hashes");
	if (!rsg__member_hex(rsg_json_get(v, "leaf"), leaf, sizeof(leaf), &len) ||
	    !rsg__member_int(v, "index", 0, &index) || !rsg__member_path(v, &path) ||
	    rsg_entry_leaf_read(leaf, len, &l) != RSG_OK) {
		wrong(j, "is malformed");
		return;
	}
	rsg_id_text(&l.id, name);
	if (id == NULL || strcmp(id, name) != 0)
		wrong(j, "has another id than its bytes");
	j->index[i] = (uint64_t)index;
	if (i > 0 && j->index[i] <= j->index[i - 1])
		wrong(j, "stands twice or out of order");
	rsg_entry_hash(leaf, len, hash);
	if (rsg_tree_included(hash, (uint64_t)index, j->b->now.size, &path,
	    j->b->now.root) != RSG_OK)
		wrong(j, "is not in the log that was signed, not at %lld", (long long)index);
	if (l.version == 1)
		check_closed(j, v, &l);
	else
		check_opened(j, v, &l, leaf, len);
}

/* --- Days --- */

static bool
read_day(struct job *j, const struct rsg_json *v, size_t i)
{
	struct day *d = &j->day[i];
	const struct rsg_json *whole = rsg_json_get(v, "whole");
	int64_t day, start = (j->first + (int64_t)i) * RSG_DAY_US;
	size_t n;
	const char *s = rsg_json_string(rsg_json_get(v, "day"), &n);

	only(j, v, "day tag count whole");
	if (s == NULL || !rsg_clock_parse_day(s, n, &day) || !rsg__member_hash(v, "tag", d->tag) ||
	    !rsg__member_int(v, "count", 0, &d->count) || rsg_json_type(whole) != RSG_JSON_BOOL)
		return false;
	d->whole = rsg_json_bool(whole);
	if (day != j->first + (int64_t)i)
		wrong(j, "is not the day that comes in its place");
	if (rsg_get32(d->tag) != (uint32_t)day)
		wrong(j, "has the tag of another day");
	if (d->whole && (start < j->b->from || start + RSG_DAY_US > j->b->to))
		wrong(j, "is said to be whole, and the period cuts it");
	j->b->whole += d->whole;
	return true;
}

static bool
read_days(struct job *j)
{
	const struct rsg_json *days = rsg_json_get(j->root, "days");
	int64_t last = rsg_clock_day(j->b->to - 1);

	j->first = rsg_clock_day(j->b->from);
	j->ndays = rsg_json_size(days);
	j->b->days = j->ndays;
	if (rsg_json_type(days) != RSG_JSON_ARRAY ||
	    (int64_t)j->ndays != last - j->first + 1) {
		wrong(j, "does not have every day of its period");
		return false;
	}
	if ((j->day = calloc(j->ndays + 1, sizeof(*j->day))) == NULL)
		return false;
	for (size_t i = 0; i < j->ndays; i++) {
		(void)snprintf(j->what, sizeof(j->what), "day %zu of the bundle", i + 1);
		if (!read_day(j, rsg_json_at(days, i), i)) {
			wrong(j, "is malformed");
			return false;
		}
	}
	return true;
}

static void
check_counts(struct job *j)
{
	for (size_t i = 0; i < j->ndays; i++)
		if (j->day[i].seen != j->day[i].count) {
			(void)snprintf(j->what, sizeof(j->what), "day %zu of the bundle", i + 1);
			wrong(j, "should have %lld accesses and has %lld",
			    (long long)j->day[i].count, (long long)j->day[i].seen);
		}
}

/* --- The whole bundle --- */

static void
check_texts(struct job *j, const char *name)
{
	const struct rsg_json *list = rsg_json_get(j->root, name);

	if (rsg_json_type(list) != RSG_JSON_ARRAY || rsg_json_size(list) == 0)
		wrong(j, "does not say '%s'", name);
	for (size_t i = 0; i < rsg_json_size(list); i++)
		if (rsg_json_string(rsg_json_at(list, i), NULL) == NULL)
			wrong(j, "does not say '%s' in words", name);
}

static bool
read_head(struct job *j)
{
	const char *format = rsg_json_string(rsg_json_get(j->root, "format"), NULL), *s;
	int64_t controller;
	size_t n;
	enum rsg_err e;

	if (format == NULL || strcmp(format, FORMAT) != 0) {
		wrong(j, "is not of a form that this program knows");
		return false;
	}
	only(j, j->root, "format subject controller controller_number from to covers "
	    "does_not_cover days accesses checkpoint next audit_entry");
	check_texts(j, "covers");
	check_texts(j, "does_not_cover");
	s = rsg_json_string(rsg_json_get(j->root, "subject"), &n);
	if (s == NULL || !rsg_id_parse(s, n, &j->b->subject) ||
	    !rsg__member_int(j->root, "controller_number", 0, &controller) ||
	    controller > UINT32_MAX || !rsg__member_time(j->root, "from", &j->b->from) ||
	    !rsg__member_time(j->root, "to", &j->b->to) || j->b->from > j->b->to) {
		wrong(j, "does not say whom, whose or when it is about");
		return false;
	}
	j->controller = (uint32_t)controller;
	s = rsg_json_string(rsg_json_get(j->root, "checkpoint"), &n);
	e = s == NULL ? RSG_MALFORMED : rsg_checkpoint_open(s, n, j->b->key, &j->b->now);
	if (e != RSG_OK)
		wrong(j, "has a checkpoint that is %s", e == RSG_NOT_FOUND ?
		    "not signed by this key" : e == RSG_MALFORMED ? "malformed" :
		    "not what its key signed, or of another log");
	return e == RSG_OK;
}

static enum rsg_err
check_all(struct job *j)
{
	const struct rsg_json *list = rsg_json_get(j->root, "accesses");

	if (!read_head(j))
		return RSG_TAMPERED;
	if (rsg_json_type(list) != RSG_JSON_ARRAY) {
		wrong(j, "has no accesses");
		return RSG_TAMPERED;
	}
	j->b->accesses = rsg_json_size(list);
	if (j->b->from < j->b->to && !read_days(j))
		return j->day == NULL && j->b->wrong == 0 ? RSG_NO_MEMORY : RSG_TAMPERED;
	if ((j->index = calloc(j->b->accesses + 1, sizeof(*j->index))) == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < j->b->accesses; i++)
		check_access(j, rsg_json_at(list, i), i);
	check_counts(j);
	return RSG_OK;
}

/* --- Is anything missing? --- */

static bool
has_index(const struct job *j, uint64_t index)
{
	size_t lo = 0, hi = j->b->accesses;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (j->index[mid] == index)
			return true;
		if (j->index[mid] < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static enum rsg_err
search_entries(struct job *j, uint64_t n, const struct rsg_buf *bytes)
{
	const uint8_t *p;
	struct rsg_leaf l;
	struct rsg_rd r;
	struct day *d;
	size_t len;

	rsg_rd_init(&r, bytes->p, bytes->len);
	for (uint64_t i = n * RSG_TILE_WIDTH; i < j->b->now.size &&
	    i < (n + 1) * RSG_TILE_WIDTH; i++) {
		if (rsg_bundle_next(&r, &p, &len) != RSG_OK ||
		    rsg_entry_leaf_read(p, len, &l) != RSG_OK)
			return RSG_TAMPERED;
		d = day_of(j, (int64_t)l.hour * 3600 * RSG_US);
		if (d == NULL || !d->whole || memcmp(d->tag, l.tag, RSG_TAG_LEN) != 0 ||
		    has_index(j, i))
			continue;
		(void)snprintf(j->what, sizeof(j->what), "entry %llu of the log",
		    (unsigned long long)i);
		wrong(j, "is missing: it has the tag of a day that is said to be whole");
	}
	return RSG_OK;
}

/* A bundle of entries as wide as the copy has it, or as it became meanwhile. */
static enum rsg_err
read_entries(struct job *j, struct rsg_logdir *dir, uint64_t n, struct rsg_buf *b)
{
	struct rsg_tile t = { RSG_TILE_ENTRIES, n,
	    rsg_tile_width(RSG_TILE_ENTRIES, n, j->b->dir_size) };
	char path[RSG_TILEPATH_MAX];
	enum rsg_err e;

	rsg_buf_reset(b);
	rsg_tilepath(&t, path);
	e = rsg_logdir_read(dir, path, RSG_BUNDLE_MAX, b);
	if (e == RSG_NOT_FOUND && t.width < RSG_TILE_WIDTH) {
		t.width = RSG_TILE_WIDTH;
		rsg_tilepath(&t, path);
		e = rsg_logdir_read(dir, path, RSG_BUNDLE_MAX, b);
	}
	return e;
}

static enum rsg_err
search_log(struct job *j)
{
	struct rsg_logdir *dir;
	struct rsg_buf b;
	enum rsg_err e;

	(void)snprintf(j->what, sizeof(j->what), "the copy of the log");
	if (j->b->dir_size < j->b->now.size) {
		wrong(j, "is older than the bundle: fetch it again");
		return RSG_OK;
	}
	if ((e = rsg_logdir_open(j->b->dir, false, &dir)) != RSG_OK)
		return e;
	rsg_buf_init(&b, RSG_BUNDLE_MAX + 1);
	for (uint64_t n = 0; n * RSG_TILE_WIDTH < j->b->now.size && e == RSG_OK; n++)
		if ((e = read_entries(j, dir, n, &b)) == RSG_OK)
			e = search_entries(j, n, &b);
	rsg_buf_free(&b);
	rsg_logdir_close(dir);
	return e;
}

enum rsg_err
rsg_bundlecheck_run(struct rsg_bundlecheck *b, const void *p, size_t len)
{
	struct job j = { .b = b, .what = "the bundle" };
	struct rsg_json *root = NULL;
	enum rsg_err e;

	b->accesses = b->opened = b->days = b->whole = b->wrong = 0;
	if ((e = rsg_json_parse(p, len, &root, NULL)) != RSG_OK) {
		if (e == RSG_NO_MEMORY)
			return e;
		wrong(&j, "cannot be read");
		return RSG_TAMPERED;
	}
	j.root = root;
	e = check_all(&j);
	if (e == RSG_OK && b->dir != NULL)
		e = search_log(&j);
	rsg_json_free(root);
	free(j.day);
	free(j.index);
	return e == RSG_OK && b->wrong > 0 ? RSG_TAMPERED : e;
}
