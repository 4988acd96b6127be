/*
 * page.c - giving out one page of a release (P4); see release.h.
 */
#include <string.h>

#include "resguardo/log.h"
#include "segment/population.h"
#include "segment/release.h"
#include "segment/scratch.h"
#include "work/vault.h"

static const struct rsg_service_name operations = { RSG_SERVICE_OPERATIONS, 0, 0 };

/* --- Opening --- */

static enum rsg_err
tampered(const struct rsg_id *release)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "release",
	    "release", RSG_LOG_ID, release, NULL);
	return RSG_TAMPERED;
}

static enum rsg_err
read_row(const struct rsg_keyring *keys, const struct rsg_result *res,
    struct rsg_release *r)
{
	uint8_t mac[RSG_DIGEST_LEN];
	const uint8_t *p;
	size_t len;
	enum rsg_err e;

	r->controller = (uint32_t)rsg_result_int(res, 0, 0);
	r->recipient = (uint32_t)rsg_result_int(res, 0, 1);
	r->created = rsg_result_int(res, 0, 2);
	r->snapshot = rsg_result_int(res, 0, 3);
	p = rsg_result_bytes(res, 0, 4, &len);
	if (rsg_release_get(r, p, len) != RSG_OK)
		return tampered(&r->id);
	r->pages = (uint32_t)rsg_result_int(res, 0, 5);
	p = rsg_result_bytes(res, 0, 6, &len);
	if ((e = rsg_release_mac(keys, r, mac)) != RSG_OK)
		return e;
	if (len != sizeof(mac) || !rsg_secret_equal(p, mac, len))
		return tampered(&r->id);
	return RSG_OK;
}

static enum rsg_err
read_members(const struct rsg_keyring *keys, const struct rsg_result *res,
    struct rsg_page *page)
{
	const struct rsg_place_of at = rsg_release_place(&page->release, page->number);
	struct rsg_pseudonym *pseudonym = NULL;
	struct rsg_id *names;
	const uint8_t *p;
	size_t len, text;
	enum rsg_err e;

	p = rsg_result_bytes(res, 0, 7, &len);
	if (len > rsg_seal_size(RSG_RELEASE_PAGE * sizeof(*page->member)))
		return tampered(&page->release.id);
	/* Behind the members' text: their pseudonyms in a row, then their ids. */
	page->bytes = len + 2 * RSG_RELEASE_PAGE * RSG_ID_LEN;
	if ((page->scratch = rsg_scratch_new(page->bytes)) == NULL)
		return RSG_NO_MEMORY;
	if ((e = rsg_service_open(keys, operations, &at, p, len, page->scratch,
	    &text)) != RSG_OK)
		return e;
	page->n = text / sizeof(*page->member);
	if (page->n == 0 || page->n * sizeof(*page->member) != text)
		return tampered(&page->release.id);
	page->member = (struct rsg_member *)(void *)page->scratch;
	names = (struct rsg_id *)(void *)(page->scratch + len);
	page->subject = names + RSG_RELEASE_PAGE;
	for (size_t i = 0; i < page->n; i++)
		names[i] = page->member[i].pseudonym;
	e = rsg_pseudonym_open(keys, page->release.recipient, page->release.epoch,
	    &pseudonym);
	if (e == RSG_OK)
		e = rsg_pseudonym_subject(pseudonym, names, page->n, page->subject);
	rsg_pseudonym_free(pseudonym);
	return e;
}

enum rsg_err
rsg_page_load(struct rsg_worker *w, const struct rsg_id *release, uint32_t number,
    struct rsg_page *page)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_RELEASE_PAGE);
	const struct rsg_result *r;
	enum rsg_err e;
	int at;

	memset(page, 0, sizeof(*page));
	page->release.id = *release;
	page->number = number;
	rsg_bind_id(b, 0, release);
	rsg_bind_int(b, 1, number);
	at = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, at);
	if (rsg_result_rows(r) != 1)
		return RSG_NOT_FOUND;
	if ((e = read_row(w->vault->keys, r, &page->release)) != RSG_OK)
		return e;
	return read_members(w->vault->keys, r, page);
}

enum rsg_err
rsg_page_open(struct rsg_worker *w, const struct rsg_call *c,
    const struct rsg_id *release, uint32_t number, struct rsg_page *page)
{
	enum rsg_err e;

	e = rsg_page_load(w, release, number, page);
	if (e == RSG_OK || e == RSG_NOT_FOUND) {
		enum rsg_err ended = rsg_db_commit(w->db);

		if (ended != RSG_OK)
			return ended;
	}
	if (e != RSG_OK)
		return e == RSG_NOT_FOUND ? RSG_BAD_CURSOR : e;
	if (page->release.recipient != c->actor.recipient ||
	    page->release.controller != c->actor.controller)
		return RSG_BAD_CURSOR;
	return RSG_OK;
}

void
rsg_page_close(struct rsg_page *page)
{
	rsg_scratch_free(page->scratch, page->bytes, page->bytes);
	page->scratch = NULL;
}

/* --- Looking again --- */

/* What serving a page works with; the desk lies in the worker's arena. */
struct giving {
	struct rsg_worker *w;
	struct rsg_page *page;
	struct rsg_population people;
	struct rsg_scan_desk *desk;
	bool *out;			/* by place: not to be given */
	uint16_t *at;			/* by place: where the page has it */
	uint8_t gone[RSG_RELEASE_PAGE / 8];	/* by place in the page: left out */
	bool any;
	uint8_t (*leaf)[32];		/* room for the root */
	size_t nout;
};

static size_t
place_in(const struct rsg_page *page, const struct rsg_id *subject)
{
	size_t i = 0;

	while (i < page->n && !rsg_id_eq(&page->subject[i], subject))
		i++;
	return i;
}

static void
leave_out(struct giving *g, size_t i)
{
	if (i < g->page->n && !g->out[i]) {
		g->out[i] = true;
		g->nout++;
	}
}

static void
read_person(const struct rsg_result *r, int i, struct rsg_scan_row *row)
{
	rsg_result_id(r, i, 0, &row->subject);
	row->controller = (uint32_t)rsg_result_int(r, i, 1);
	row->version = (uint64_t)rsg_result_int(r, i, 2);
	row->generation = (uint32_t)rsg_result_int(r, i, 3);
	row->keyset = rsg_result_bytes(r, i, 4, &row->nkeyset);
	row->header = rsg_result_bytes(r, i, 5, &row->nheader);
	row->nactivity = 0;
	row->activity = rsg_result_null(r, i, 6) ? NULL :
	    rsg_result_bytes(r, i, 6, &row->nactivity);
}

/* Decide anew about everybody in `changed`; who has no row is out already. */
static enum rsg_err
decide_again(struct giving *g, const struct rsg_result *changed)
{
	struct rsg_worker *w = g->w;
	const struct rsg_result *r;
	struct rsg_scan_row row;
	struct rsg_bind *b;
	struct rsg_id id;
	bool stays;
	enum rsg_err e;
	int at;

	if (rsg_result_rows(changed) == 0)
		return RSG_OK;
	b = rsg_db_bind(w->db, RSG_SQL_SUBJECTS);
	for (int i = 0; i < rsg_result_rows(changed); i++) {
		rsg_result_id(changed, i, 0, &id);
		rsg_bind_id(b, 0, &id);
		leave_out(g, place_in(g->page, &id));
	}
	at = rsg_db_send(w->db, b);
	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, at);
	for (int i = 0; i < rsg_result_rows(r); i++) {
		read_person(r, i, &row);
		e = rsg_scan_open_header(w->vault->keys, &row, g->desk);
		if (e != RSG_OK && e != RSG_NOT_FOUND)
			return e;
		stays = e == RSG_OK && row.controller == g->page->release.controller &&
		    rsg_population_may(&g->people, &g->desk->head);
		at = (int)place_in(g->page, &row.subject);
		if (stays && (size_t)at < g->page->n) {
			g->out[at] = false;
			g->nout--;
		}
	}
	return RSG_OK;
}

static int
ask_changes(struct giving *g, int64_t since)
{
	struct rsg_bind *b = rsg_db_bind(g->w->db, RSG_SQL_CHANGES_SINCE);

	rsg_bind_int(b, 0, since);
	for (size_t i = 0; i < g->page->n; i++)
		rsg_bind_id(b, 1, &g->page->subject[i]);
	return rsg_db_send(g->w->db, b);
}

/*
 * All changes so far, which may be many, before anybody has to wait for us.
 * What this look cannot have seen begins at *horizon: it is asked first.
 */
static enum rsg_err
look_before(struct giving *g, int64_t *horizon)
{
	struct rsg_db *db = g->w->db;
	enum rsg_err e;
	int first, changed;

	first = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_CHANGES_HORIZON));
	changed = ask_changes(g, g->page->release.snapshot);
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	*horizon = rsg_result_int(rsg_db_result(db, first), 0, 0);
	if ((e = decide_again(g, rsg_db_result(db, changed))) != RSG_OK)
		return e;
	return rsg_db_commit(db);
}

/* Those that remain, in their order, to the front of the page. */
static void
close_ranks(struct giving *g)
{
	size_t kept = 0;

	if (g->nout == 0)
		return;
	for (size_t i = 0; i < g->page->n; i++) {
		if (g->out[i]) {
			g->gone[g->at[i] / 8] |= (uint8_t)(1u << g->at[i] % 8);
			g->any = true;
			continue;
		}
		g->at[kept] = g->at[i];
		g->page->member[kept] = g->page->member[i];
		g->page->subject[kept++] = g->page->subject[i];
	}
	g->page->n = kept;
	memset(g->out, 0, RSG_RELEASE_PAGE * sizeof(*g->out));
	g->nout = 0;
}

/* --- Giving --- */

static enum rsg_err
answer(struct rsg_call *c, const struct rsg_keyring *keys, const struct rsg_page *page)
{
	const struct rsg_release *r = &page->release;
	const struct rsg_member *m = page->member;
	size_t mark;
	enum rsg_err e;

	rsg_msg_id(&c->out, RSG_F_RELEASE, &r->id);
	rsg_msg_int(&c->out, RSG_F_EPOCH, r->epoch);
	rsg_msg_int(&c->out, RSG_F_COUNT, (int64_t)r->count);
	for (size_t i = 0; i < page->n; i++, m++) {
		mark = rsg_msg_open(&c->out, r->ask.purpose != 0 ? RSG_F_ASKED : RSG_F_MEMBERS);
		rsg_msg_bytes(&c->out, RSG_F_PSEUDONYM, m->pseudonym.b, RSG_ID_LEN);
		if (r->ask.purpose != 0) {
			rsg_msg_close(&c->out, mark);
			continue;
		}
		rsg_msg_int(&c->out, RSG_F_R, m->score.r);
		rsg_msg_int(&c->out, RSG_F_F, m->score.f);
		rsg_msg_int(&c->out, RSG_F_M, m->score.m);
		rsg_msg_close(&c->out, mark);
	}
	if (page->number + 1 < r->pages && (e = rsg_cursor_put(c, keys, &r->id,
	    page->number + 1, r->created + RSG_RELEASE_LIFE)) != RSG_OK)
		return e;
	return rsg_buf_err(&c->out);
}

/* Is the policy we decided by still the one in force? */
static bool
policy_moved(struct rsg_worker *w, const struct rsg_result *version)
{
	bool moved;

	if (rsg_vault_policy_stale(w, version))
		return true;
	/* Another worker may have loaded the new one for all of us. */
	pthread_rwlock_rdlock(&w->vault->lock);
	moved = w->policy != w->vault->policy;
	pthread_rwlock_unlock(&w->vault->lock);
	return moved;
}

/* Which page this entry is about, so that each member can be shown it. */
static void
send_page(struct giving *g, const struct rsg_call *c)
{
	struct rsg_bind *b;

	if (g->page->release.format < RSG_RELEASE_FORMAT)
		return;			/* its commitments do not name the person */
	b = rsg_db_bind(g->w->db, RSG_SQL_AUDIT_PAGE_RELEASE);
	rsg_bind_id(b, 0, &c->draft.entry);
	rsg_bind_int(b, 1, g->w->now);
	rsg_bind_int(b, 2, c->actor.controller);
	rsg_bind_id(b, 3, &g->page->release.id);
	rsg_bind_int(b, 4, g->page->number);
	if (g->any)
		rsg_bind_bytes(b, 5, g->gone, sizeof(g->gone));
	(void)rsg_db_send(g->w->db, b);
}

/*
 * Alone from here to the commit: whoever withdraws has either finished, and
 * is seen, or waits until this page is out and its entry written.
 */
static enum rsg_err
give_alone(struct giving *g, struct rsg_call *c, int64_t horizon)
{
	struct rsg_db *db = g->w->db;
	enum rsg_err e;
	int changed, policy;

	(void)rsg_db_send(db, rsg_db_bind(db, RSG_SQL_RELEASE_LOCK));
	changed = ask_changes(g, horizon);
	policy = rsg_db_send(db, rsg_db_bind(db, RSG_SQL_POLICY_VERSION));
	if ((e = rsg_db_fetch(db)) != RSG_OK)
		return e;
	if (policy_moved(g->w, rsg_db_result(db, policy)))
		return RSG_CONFLICT;
	if ((e = decide_again(g, rsg_db_result(db, changed))) != RSG_OK)
		return e;
	if (g->nout > 0) {
		close_ranks(g);
		rsg_release_root(g->page->member, g->page->n, g->leaf, c->draft.root);
	}
	c->draft.people = (uint32_t)g->page->n;
	if ((e = rsg_audit_stage(g->w, c)) != RSG_OK)
		return e;
	send_page(g, c);
	rsg_audit_send(g->w);
	return rsg_db_commit(db);
}

enum rsg_err
rsg_page_give(struct rsg_worker *w, struct rsg_call *c, struct rsg_page *page)
{
	struct giving g = { .w = w, .page = page };
	int64_t horizon = 0;
	enum rsg_err e;

	if ((g.desk = rsg_arena_get(w->arena, sizeof(*g.desk))) == NULL ||
	    (g.out = rsg_arena_get(w->arena, RSG_RELEASE_PAGE * sizeof(*g.out))) == NULL ||
	    (g.at = rsg_arena_get(w->arena, RSG_RELEASE_PAGE * sizeof(*g.at))) == NULL ||
	    (g.leaf = rsg_arena_get(w->arena, RSG_RELEASE_PAGE * sizeof(*g.leaf))) == NULL)
		return RSG_NO_MEMORY;
	for (size_t i = 0; i < page->n; i++)
		g.at[i] = (uint16_t)i;
	rsg_release_people(w, c, &page->release, &g.people);
	if ((e = look_before(&g, &horizon)) != RSG_OK)
		return e;
	close_ranks(&g);
	/* Most often nobody withdraws now, and this is what the entry says. */
	rsg_release_root(page->member, page->n, g.leaf, c->draft.root);
	if ((e = give_alone(&g, c, horizon)) != RSG_OK) {
		rsg_db_rollback(w->db);
		w->audit = NULL;
		return e;
	}
	return answer(c, w->vault->keys, page);
}
