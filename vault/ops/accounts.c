#include "ops/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "audit/integrate.h"
#include "audit/merkle.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "segment/release.h"
#include "work/vault.h"

_Static_assert(RSG_ACCOUNT_GIVEN == RSG_MEMBER_GIVEN, "what a release gives of a person");

/* --- Working space --- */

static struct rsg_access *
add(struct rsg_account *a, const struct rsg_id *entry, int64_t time)
{
	struct rsg_access *more, *x;

	if (a->n == a->cap) {
		size_t cap = a->cap == 0 ? 64 : a->cap * 2;

		if ((more = realloc(a->access, cap * sizeof(*more))) == NULL)
			return NULL;
		a->access = more;
		a->cap = cap;
	}
	x = &a->access[a->n++];
	memset(x, 0, sizeof(*x));
	x->entry = *entry;
	x->time = time;
	return x;
}

/* What begins at `time` does not fit any more, or cannot be proven yet. */
static void
end_at(struct rsg_account *a, int64_t time, bool cut)
{
	if (time < a->to) {
		a->to = time;
		a->cut = cut;
	}
}

static const uint8_t *
evidence(const struct rsg_account *a)
{
	return a->person->keys.key[RSG_KEY_EVIDENCE];
}

/* --- About this person --- */

static enum rsg_err
find_about(struct rsg_account *a)
{
	struct rsg_bind *b = rsg_db_bind(a->w->db, RSG_SQL_AUDIT_ABOUT);
	const struct rsg_result *r;
	uint8_t tag[RSG_TAG_LEN];
	struct rsg_id id;
	enum rsg_err e;
	int at, rows;

	for (int64_t d = rsg_clock_day(a->from); d <= rsg_clock_day(a->to); d++) {
		rsg_entry_tag(evidence(a), d, tag);
		rsg_bind_bytes(b, 0, tag, sizeof(tag));
	}
	rsg_bind_int(b, 1, a->person->controller);
	rsg_bind_int(b, 2, a->from);
	rsg_bind_int(b, 3, a->to);
	rsg_bind_int(b, 4, RSG_ACCOUNT_MAX + 1);
	at = rsg_db_send(a->w->db, b);
	if ((e = rsg_db_fetch(a->w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(a->w->db, at);
	rows = rsg_result_rows(r);
	if (rows > RSG_ACCOUNT_MAX)
		end_at(a, rsg_result_int(r, --rows, 1), true);
	for (int i = 0; i < rows; i++) {
		rsg_result_id(r, i, 0, &id);
		if (add(a, &id, rsg_result_int(r, i, 1)) == NULL)
			return RSG_NO_MEMORY;
	}
	return RSG_OK;
}

/* --- Among many --- */

/* A tree over leaf hashes in memory, for rsg_tree_inclusion(). */
struct grove {
	uint8_t (*leaf)[32];
	uint8_t (*room)[32];		/* as many again */
};

static enum rsg_err
grove_hash(void *ctx, unsigned level, uint64_t index, uint8_t hash[RSG_HASH_LEN])
{
	struct grove *g = ctx;
	size_t n = (size_t)1 << level;

	memcpy(g->room, g->leaf + (index << level), n * sizeof(*g->room));
	rsg_merkle_root(g->room, n, hash);
	return RSG_OK;
}

/* The path of commitment `at` of `n`, each `step` bytes after the other, those
 * with a bit in `out` not counted. */
static enum rsg_err
find_path(const uint8_t *commitment, size_t step, size_t n, const uint8_t *out,
    size_t at, struct rsg_access *x)
{
	struct grove g = { .leaf = calloc(2 * n + 1, sizeof(*g.leaf)) };
	size_t kept = 0;
	enum rsg_err e;

	if (g.leaf == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		if (out != NULL && (out[i / 8] >> i % 8 & 1) != 0)
			continue;
		if (i == at)
			x->position = (uint32_t)kept;
		rsg_merkle_leaf(commitment + i * step, 32, g.leaf[kept++]);
	}
	g.room = g.leaf + kept;
	x->among = true;
	e = rsg_tree_inclusion(grove_hash, &g, x->position, kept, &x->path);
	free(g.leaf);
	return e;
}

static enum rsg_err
take_among(struct rsg_account *a, const struct rsg_result *r, int row)
{
	size_t len, n, at = 0;
	const uint8_t *all = rsg_result_bytes(r, row, 2, &len);
	uint8_t key[RSG_KEY_LEN], mine[32];
	struct rsg_access *x;
	struct rsg_id id;

	rsg_result_id(r, row, 0, &id);
	rsg_entry_share_key(evidence(a), RSG_SHARE_PAGE, &id, key);
	rsg_entry_share(key, &a->person->id, NULL, 0, mine);
	for (n = len / 32; at < n && memcmp(all + 32 * at, mine, 32) != 0; )
		at++;
	/* Found by their token, which nobody else has: they were in it. */
	if (at == n) {
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "audit_page", "entry", RSG_LOG_ID, &id, NULL);
		return RSG_TAMPERED;
	}
	if ((x = add(a, &id, rsg_result_int(r, row, 1))) == NULL)
		return RSG_NO_MEMORY;
	memcpy(x->key, key, sizeof(key));
	return find_path(all, 32, n, NULL, at, x);
}

static enum rsg_err
find_among(struct rsg_account *a)
{
	struct rsg_bind *b = rsg_db_bind(a->w->db, RSG_SQL_AUDIT_AMONG);
	const struct rsg_result *r;
	enum rsg_err e;
	int at, rows;

	for (int64_t d = rsg_clock_day(a->from); d <= rsg_clock_day(a->to); d++)
		rsg_bind_int(b, 0, rsg_entry_token(evidence(a), d));
	rsg_bind_int(b, 1, a->person->controller);
	rsg_bind_int(b, 2, a->from);
	rsg_bind_int(b, 3, a->to);
	rsg_bind_int(b, 4, RSG_ACCOUNT_AMONG + 1);
	at = rsg_db_send(a->w->db, b);
	if ((e = rsg_db_fetch(a->w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(a->w->db, at);
	rows = rsg_result_rows(r);
	if (rows > RSG_ACCOUNT_AMONG)
		end_at(a, rsg_result_int(r, --rows, 1), true);
	for (int i = 0; i < rows; i++)
		if ((e = take_among(a, r, i)) != RSG_OK)
			return e;
	return RSG_OK;
}

/* --- Given out --- */

/* Times that this page was given, with this person (its member `at`) in it. */
static enum rsg_err
take_given(struct rsg_account *a, const struct rsg_page *page, size_t at)
{
	struct rsg_bind *b = rsg_db_bind(a->w->db, RSG_SQL_AUDIT_GIVEN);
	const struct rsg_result *r;
	struct rsg_access *x;
	struct rsg_id id;
	enum rsg_err e;
	int number;

	rsg_bind_id(b, 0, &page->release.id);
	rsg_bind_int(b, 1, page->number);
	rsg_bind_int(b, 2, a->from);
	rsg_bind_int(b, 3, a->to);
	number = rsg_db_send(a->w->db, b);
	if ((e = rsg_db_fetch(a->w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(a->w->db, number);
	for (int i = 0; i < rsg_result_rows(r); i++) {
		size_t len = 0;
		const uint8_t *out = rsg_result_null(r, i, 2) ? NULL :
		    rsg_result_bytes(r, i, 2, &len);

		if (out != NULL && len != RSG_RELEASE_PAGE / 8)
			return RSG_TAMPERED;
		if (out != NULL && (out[at / 8] >> at % 8 & 1) != 0)
			continue;
		rsg_result_id(r, i, 0, &id);
		if ((x = add(a, &id, rsg_result_int(r, i, 1))) == NULL)
			return RSG_NO_MEMORY;
		rsg_entry_share_key(evidence(a), RSG_SHARE_RELEASE, &page->release.id,
		    x->key);
		memcpy(x->given, &page->member[at], sizeof(x->given));
		x->ngiven = sizeof(x->given);
		if ((e = find_path(page->member[0].commitment, sizeof(*page->member),
		    page->n, out, at, x)) != RSG_OK)
			return e;
	}
	return RSG_OK;
}

/* Pages are sorted by pseudonyms, which are noise: so far in, so far on. */
static uint32_t
guess(const struct rsg_id *pseudonym, uint32_t pages)
{
	return (uint32_t)((uint64_t)rsg_get32(pseudonym->b) * pages >> 32);
}

/* Look for the pseudonym from the page where it should be. */
static enum rsg_err
search_release(struct rsg_account *a, const struct rsg_id *release,
    const struct rsg_id *pseudonym, uint32_t pages)
{
	uint32_t lo = 0, hi = pages, number = guess(pseudonym, pages);
	struct rsg_page page;
	enum rsg_err e = RSG_OK;

	while (lo < hi && e == RSG_OK) {
		int before, behind;
		size_t at = 0;

		if ((e = rsg_page_load(a->w, release, number, &page)) != RSG_OK) {
			rsg_page_close(&page);
			return e == RSG_NOT_FOUND ? RSG_OK : e;	/* gone: nothing to show */
		}
		before = rsg_id_cmp(pseudonym, &page.member[0].pseudonym);
		behind = rsg_id_cmp(pseudonym, &page.member[page.n - 1].pseudonym);
		if (before < 0)
			hi = number;
		else if (behind > 0)
			lo = number + 1;
		else {
			while (at < page.n && !rsg_id_eq(&page.member[at].pseudonym, pseudonym))
				at++;
			if (at < page.n)
				e = take_given(a, &page, at);
			lo = hi;
		}
		rsg_page_close(&page);
		/* It is off by one at most, nearly always. */
		number = before < 0 ? number - 1 : number + 1;
	}
	return e;
}

static enum rsg_err
look_through(struct rsg_account *a, const struct rsg_result *r, int row)
{
	struct rsg_release release;
	struct rsg_pseudonym *context = NULL;
	struct rsg_id pseudonym;
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	memset(&release, 0, sizeof(release));
	rsg_result_id(r, row, 0, &release.id);
	p = rsg_result_bytes(r, row, 3, &len);
	if (rsg_release_get(&release, p, len) != RSG_OK)
		return RSG_TAMPERED;
	/* Commitments of before do not name the person: nothing can be shown. */
	if (release.format < RSG_RELEASE_FORMAT)
		return RSG_OK;
	e = rsg_pseudonym_open(a->w->vault->keys, (uint32_t)rsg_result_int(r, row, 1),
	    release.epoch, &context);
	if (e == RSG_OK)
		e = rsg_pseudonym_of(context, &a->person->id, 1, &pseudonym);
	rsg_pseudonym_free(context);
	if (e != RSG_OK)
		return e;
	return search_release(a, &release.id, &pseudonym,
	    (uint32_t)rsg_result_int(r, row, 4));
}

static enum rsg_err
find_given(struct rsg_account *a)
{
	struct rsg_bind *b = rsg_db_bind(a->w->db, RSG_SQL_RELEASES_SINCE);
	const struct rsg_result *r;
	enum rsg_err e;
	int at, rows;

	rsg_bind_int(b, 0, a->person->controller);
	rsg_bind_int(b, 1, a->from - RSG_RELEASE_LIFE);
	rsg_bind_int(b, 2, a->to);
	rsg_bind_int(b, 3, RSG_ACCOUNT_RELEASES + 1);
	at = rsg_db_send(a->w->db, b);
	if ((e = rsg_db_fetch(a->w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(a->w->db, at);
	rows = rsg_result_rows(r);
	if (rows > RSG_ACCOUNT_RELEASES)
		end_at(a, rsg_result_int(r, --rows, 2), true);
	for (int i = 0; i < rows; i++)
		if ((e = look_through(a, r, i)) != RSG_OK)
			return e;
	return RSG_OK;
}

/* --- In the log --- */

static int
by_time(const void *p, const void *q)
{
	const struct rsg_access *a = p, *b = q;

	return a->time != b->time ? (a->time < b->time ? -1 : 1) :
	    rsg_id_cmp(&a->entry, &b->entry);
}

static int
by_index(const void *p, const void *q)
{
	const struct rsg_access *a = p, *b = q;

	return a->index < b->index ? -1 : a->index > b->index;
}

static void
take_place(struct rsg_account *a, const struct rsg_prove *log, size_t which,
    const struct rsg_result *r, int row)
{
	uint64_t index = (uint64_t)rsg_result_int(r, row, 1);
	struct rsg_id id;

	/* Places are counted on: what came after a log's end is not in it. */
	if (which > 0 && index >= log->now.size)
		return;
	rsg_result_id(r, row, 0, &id);
	for (size_t i = 0; i < a->n; i++) {
		struct rsg_access *x = &a->access[i];

		if (!rsg_id_eq(&x->entry, &id))
			continue;
		x->placed = rsg_result_int(r, row, 5) == x->time;
		x->log = which;
		x->index = index;
		x->leaf = rsg_result_bytes(r, row, 3, &x->len);
		rsg_entry_hash(x->leaf, x->len, x->hash);
		if (index >= log->now.size)
			end_at(a, x->time, false);
	}
}

/* Those that have no place yet, in this log; *left says how many still have none. */
static enum rsg_err
place_in(struct rsg_account *a, const struct rsg_prove *log, size_t which, size_t *left)
{
	struct rsg_bind *b = rsg_db_bind(a->w->db, RSG_SQL_LOG_PLACES);
	const struct rsg_result *r;
	enum rsg_err e;
	int at;

	rsg_bind_int(b, 0, rsg_integrate_number(&log->key));
	for (size_t i = 0; i < a->n; i++)
		if (!a->access[i].placed)
			rsg_bind_id(b, 1, &a->access[i].entry);
	at = rsg_db_send(a->w->db, b);
	if ((e = rsg_db_fetch(a->w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(a->w->db, at);
	for (int i = 0; i < rsg_result_rows(r); i++)
		take_place(a, log, which, r, i);
	*left = 0;
	for (size_t i = 0; i < a->n; i++)
		*left += !a->access[i].placed;
	return RSG_OK;
}

/* A row that leads to no entry was added, or the entry removed. */
static enum rsg_err
unplaced(const struct rsg_account *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (!a->access[i].placed)
			rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
			    "audit_page", "entry", RSG_LOG_ID, &a->access[i].entry, NULL);
	return RSG_TAMPERED;
}

/* The log of the first access is the account's, which ends where another's
 * begin: they are in the order of time. */
static enum rsg_err
keep_one_log(struct rsg_account *a)
{
	size_t which = a->n > 0 ? a->access[0].log : 0;
	enum rsg_err e = RSG_OK;

	for (size_t i = 0; i < a->n; i++)
		if (a->access[i].log != which)
			end_at(a, a->access[i].time, true);
	if (which > 0) {
		rsg_prove_close(a->log);
		e = rsg_prove_closed(a->w->vault->state, which - 1, &a->log);
	}
	return e == RSG_NOT_FOUND ? RSG_IO : e;
}

static enum rsg_err
place(struct rsg_account *a)
{
	struct rsg_prove *log;
	size_t left = a->n;
	enum rsg_err e = RSG_OK;

	if (left > 0 && (e = place_in(a, a->log, 0, &left)) != RSG_OK)
		return e;
	for (size_t i = 0; left > 0; i++) {
		if ((e = rsg_prove_closed(a->w->vault->state, i, &log)) != RSG_OK)
			return e == RSG_NOT_FOUND ? unplaced(a) : e;
		e = place_in(a, log, i + 1, &left);
		rsg_prove_close(log);
		if (e != RSG_OK)
			return e;
	}
	return keep_one_log(a);
}

/* Only what lies before the end; a cut falls between days where it can. */
static void
cut(struct rsg_account *a)
{
	size_t kept = 0;

	if (a->n > 0)
		qsort(a->access, a->n, sizeof(*a->access), by_time);
	if (a->n > RSG_ACCOUNT_MAX)
		end_at(a, a->access[RSG_ACCOUNT_MAX].time, true);
	if (a->cut && rsg_clock_day(a->to) * RSG_DAY_US > a->from)
		a->to = rsg_clock_day(a->to) * RSG_DAY_US;
	while (kept < a->n && a->access[kept].time < a->to)
		kept++;
	a->n = kept;
}

enum rsg_err
rsg_account_gather(struct rsg_account *a)
{
	enum rsg_err e;

	if (a->to > a->w->now)
		a->to = a->w->now;
	if (a->to - a->from > RSG_ACCOUNT_DAYS * RSG_DAY_US)
		end_at(a, a->from + RSG_ACCOUNT_DAYS * RSG_DAY_US, true);
	if ((e = find_about(a)) != RSG_OK || (e = find_among(a)) != RSG_OK ||
	    (e = find_given(a)) != RSG_OK)
		return e;
	cut(a);
	if ((e = place(a)) != RSG_OK)
		return e;
	cut(a);			/* what is not signed yet ends it too */
	/* More at one instant than an account may have. */
	if (a->cut && a->to <= a->from)
		return RSG_TOO_LARGE;
	if (a->n > 0)
		qsort(a->access, a->n, sizeof(*a->access), by_index);
	return RSG_OK;
}
