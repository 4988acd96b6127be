/*
 * make.c - making a release; see release.h.
 */
#include <string.h>

#include "audit/entry.h"
#include "resguardo/clock.h"
#include "segment/population.h"
#include "segment/release.h"
#include "work/vault.h"

static const struct rsg_service_name operations = { RSG_SERVICE_OPERATIONS, 0, 0 };

/* What the threads of the scan need. */
struct making {
	const struct rsg_release *release;
	const struct rsg_model *model;
	struct rsg_pseudonym *pseudonym[RSG_SCAN_THREADS];
	struct rsg_gather members;
};

static bool
inside(const struct rsg_cellrange *a, struct rsg_score s)
{
	return s.r >= a->r_min && s.r <= a->r_max && s.f >= a->f_min &&
	    s.f <= a->f_max && s.m >= a->m_min && s.m <= a->m_max;
}

/*
 * The commitment shows the person, with a key of theirs for this release and
 * nothing else, that they were in it and what was given of them; to everybody
 * else it is noise.
 */
static void
commit_to(const struct rsg_scanned *s, const struct rsg_id *release,
    struct rsg_member *m)
{
	uint8_t key[RSG_KEY_LEN];

	rsg_entry_share_key(s->keys->key[RSG_KEY_EVIDENCE], RSG_SHARE_RELEASE, release, key);
	rsg_entry_share(key, &s->subject, m, RSG_MEMBER_GIVEN, m->commitment);
	rsg_secret_wipe(key, sizeof(key));
}

static enum rsg_err
keep(void *ctx, unsigned thread, const struct rsg_scanned *s,
    const struct rsg_rfm *rfm)
{
	struct making *k = ctx;
	struct rsg_score score = { 0 };
	struct rsg_member *m;
	enum rsg_err e;

	if (rfm != NULL)
		score = rsg_rfm_score(&k->model->cuts, rfm);
	if (rfm != NULL && !inside(&k->release->range, score))
		return RSG_OK;
	if ((m = rsg_gather_take(&k->members)) == NULL)
		return RSG_TOO_LARGE;
	m->score = score;
	e = rsg_pseudonym_of(k->pseudonym[thread], &s->subject, 1, &m->pseudonym);
	if (e == RSG_OK)
		commit_to(s, &k->release->id, m);
	return e;
}

static enum rsg_err
open_pseudonyms(struct rsg_worker *w, const struct rsg_release *r, struct making *k)
{
	const struct rsg_service_name name = { RSG_SERVICE_PSEUDONYM, r->recipient,
	    r->epoch };
	enum rsg_err e;

	if ((e = rsg_vault_service_key(w->vault, w->db, name)) != RSG_OK)
		return e;
	for (unsigned i = 0; i < RSG_SCAN_THREADS && e == RSG_OK; i++)
		e = rsg_pseudonym_open(w->vault->keys, r->recipient, r->epoch,
		    &k->pseudonym[i]);
	return e;
}

void
rsg_release_people(struct rsg_worker *w, const struct rsg_call *c,
    const struct rsg_release *r, struct rsg_population *people)
{
	rsg_population_ask(w, c, rsg_release_action(r), r->purpose, people);
	people->question.now = r->created + RSG_RELEASE_LIFE;
	people->ask = NULL;
	if (r->ask.purpose == 0)
		return;
	people->question.channel = r->ask.by;
	people->ask = &r->ask;
	people->asked = r->created;
}

/* Scan, coarsen, sort: what remains is what the pages will hold. */
static enum rsg_err
gather(struct rsg_worker *w, struct rsg_call *c, struct rsg_release *r,
    const struct rsg_model *m, struct making *k)
{
	struct rsg_population people = { .each = keep, .ctx = k };
	struct rsg_snapshot *snapshot = NULL;
	enum rsg_err e;

	if (m != NULL)
		people.window = m->window;
	rsg_release_people(w, c, r, &people);
	if ((e = open_pseudonyms(w, r, k)) != RSG_OK ||
	    (e = rsg_snapshot_open(w->vault->conninfo, &snapshot)) != RSG_OK ||
	    (e = rsg_gather_new(&k->members, sizeof(struct rsg_member),
	    snapshot)) != RSG_OK)
		goto done;
	r->snapshot = rsg_snapshot_xmin(snapshot);
	e = m == NULL ? rsg_population_ask_scan(w->vault, r->controller, snapshot, &people) :
	    rsg_population_scan(w->vault, r->controller, snapshot, &people);
	if (e != RSG_OK)
		goto done;
	r->count = atomic_load(&k->members.n);
	if (m != NULL)
		r->count = rsg_release_coarsen((struct rsg_member *)(void *)k->members.p,
		    r->count, m->cuts.bins, r->k);
	else if (r->count < r->k)
		r->count = 0;
	/* None and too few look alike. */
	if (r->count == 0) {
		c->draft.decision = e = RSG_GROUP_TOO_SMALL;
		goto done;
	}
	r->pages = (uint32_t)((r->count + RSG_RELEASE_PAGE - 1) / RSG_RELEASE_PAGE);
	e = rsg_release_sort((struct rsg_member *)(void *)k->members.p, r->count);
done:
	rsg_snapshot_close(snapshot);
	return e;
}

static enum rsg_err
stage_row(struct rsg_worker *w, const struct rsg_release *r)
{
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_buf definition;
	struct rsg_bind *b;
	enum rsg_err e;

	rsg_buf_init(&definition, 256);
	rsg_release_put(r, &definition);
	if ((e = rsg_buf_err(&definition)) != RSG_OK ||
	    (e = rsg_release_mac(w->vault->keys, r, mac)) != RSG_OK)
		goto done;
	b = rsg_db_bind(w->db, RSG_SQL_RELEASE_INSERT);
	rsg_bind_id(b, 0, &r->id);
	rsg_bind_int(b, 1, r->controller);
	rsg_bind_int(b, 2, r->recipient);
	rsg_bind_int(b, 3, r->created);
	rsg_bind_int(b, 4, r->snapshot);
	rsg_bind_bytes(b, 5, definition.p, definition.len);
	rsg_bind_int(b, 6, r->pages);
	rsg_bind_bytes(b, 7, mac, sizeof(mac));
	(void)rsg_db_send(w->db, b);
done:
	rsg_buf_free(&definition);
	return e;
}

/* One page at a time is held twice, whatever the size of the release. */
static enum rsg_err
stage_pages(struct rsg_worker *w, const struct rsg_release *r,
    const struct rsg_member *m)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_RELEASE_PAGE_INSERT);
	size_t left = r->count, n;
	struct rsg_place_of at;
	struct rsg_buf sealed;
	enum rsg_err e = RSG_OK;

	rsg_buf_init(&sealed, RSG_SEAL_BIG);
	for (uint32_t page = 0; page < r->pages && e == RSG_OK; page++) {
		n = left < RSG_RELEASE_PAGE ? left : RSG_RELEASE_PAGE;
		at = rsg_release_place(r, page);
		rsg_buf_reset(&sealed);
		if ((e = rsg_service_seal(w->vault->keys, operations, &at, m,
		    n * sizeof(*m), &sealed)) != RSG_OK)
			break;
		if (page > 0)
			rsg_bind_again(b);
		rsg_bind_id(b, 0, &r->id);
		rsg_bind_int(b, 1, page);
		rsg_bind_bytes(b, 2, sealed.p, sealed.len);
		(void)rsg_db_send(w->db, b);
		e = rsg_db_fetch(w->db);
		m += n;
		left -= n;
	}
	rsg_buf_free(&sealed);
	return e;
}

enum rsg_err
rsg_release_make(struct rsg_worker *w, struct rsg_call *c, struct rsg_release *r)
{
	struct making k = { .release = r };
	struct rsg_model model;
	enum rsg_err e;

	/* Asked is who is asked again, whatever they bought. */
	k.model = r->ask.purpose != 0 ? NULL : &model;
	e = k.model == NULL ? RSG_OK : rsg_model_load(w, &r->model, r->controller, &model);
	if (e != RSG_OK) {
		if (e == RSG_NOT_FOUND)
			c->draft.decision = e;
		return e;
	}
	if ((e = gather(w, c, r, k.model, &k)) != RSG_OK ||
	    (e = stage_row(w, r)) != RSG_OK ||
	    (e = stage_pages(w, r, (const struct rsg_member *)(void *)k.members.p)) != RSG_OK)
		goto done;
	e = rsg_audit_commit(w, c);
	/* Each page has an entry of its own. */
	c->draft.entry = (struct rsg_id){ 0 };
done:
	rsg_gather_free(&k.members);
	for (unsigned i = 0; i < RSG_SCAN_THREADS; i++)
		rsg_pseudonym_free(k.pseudonym[i]);
	return e;
}
