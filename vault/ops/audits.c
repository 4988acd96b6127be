/*
 * The officers' search: entries by time, actor, purpose, decision, recipient
 * and person, which the table knows; and by role, place, action and policy,
 * which only the opened entry says. Looking is itself an access, and audited.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "audit/entry.h"
#include "ops/ops.h"
#include "ops/people.h"
#include "resguardo/clock.h"
#include "resguardo/log.h"
#include "work/vault.h"

#define LIMIT_DEFAULT	100
#define LIMIT_MAX	2000
#define ANSWER_MAX	(1024u * 1024)	/* of one page; a frame has twice that */
#define SIFT_PAGE	2000		/* rows fetched at once to be sifted ... */
#define SIFT_MAX	20000		/* ... and at most, in one call */
#define DAYS_MAX	3660

struct search {
	int64_t from, to, limit;
	struct rsg_id actor;
	uint16_t purpose;
	int decision;			/* -1 any, 0 denied, 1 allowed */
	uint32_t recipient;
	bool about;
	struct rsg_subject person;
	int64_t after_time, after_seq;
	/* What only the opened entry says; "" and false: any. */
	char role[33], place[65], action[33];
	bool sift, by_policy;
	uint8_t policy[RSG_POLICY_HASH];
	int recipients;			/* result with the names of version 1 */
	uint8_t text[RSG_ENTRY_TEXT];	/* of the entry being shown */
};

/* --- What is asked --- */

static enum rsg_err
read_cursor(struct rsg_worker *w, struct rsg_call *c, struct search *s)
{
	uint8_t text[512];
	struct rsg_rd r;
	size_t n;
	enum rsg_err e;

	s->after_time = s->to;
	s->after_seq = INT64_MAX;
	if (!rsg_msg_has(c->in, RSG_F_CURSOR))
		return RSG_OK;
	if ((e = rsg_token_open(w, c, "audit", text, sizeof(text), &n)) != RSG_OK)
		return e;
	rsg_rd_init(&r, text, n);
	s->after_time = (int64_t)rsg_rd_u64(&r);
	s->after_seq = (int64_t)rsg_rd_u64(&r);
	return rsg_rd_end(&r) ? RSG_OK : rsg_call_fail(c, RSG_BAD_CURSOR, "cursor", NULL);
}

static enum rsg_err
read_names(struct rsg_worker *w, struct rsg_call *c, struct search *s)
{
	const struct rsg_purposedef *p;
	char text[129];

	if (rsg_msg_get_text(c->in, RSG_F_PURPOSE, text, sizeof(text))) {
		if ((p = rsg_policy_purpose(w->policy, text, strlen(text))) == NULL)
			return rsg_call_fail(c, RSG_UNKNOWN_PURPOSE, "purpose", NULL);
		s->purpose = p->number;
	}
	if (rsg_msg_get_text(c->in, RSG_F_DECISION, text, sizeof(text))) {
		s->decision = strcmp(text, "allow") == 0 ? 1 : strcmp(text, "deny") == 0 ? 0 : -1;
		if (s->decision < 0)
			return rsg_call_fail(c, RSG_BAD_VALUE, "decision", NULL);
	}
	return RSG_OK;
}

static enum rsg_err
read_sieve(struct rsg_worker *w, struct rsg_call *c, struct search *s)
{
	const uint8_t *p;
	size_t n;

	if (rsg_msg_get_text(c->in, RSG_F_ROLE, s->role, sizeof(s->role)) &&
	    !rsg_policy_role(w->policy, s->role, strlen(s->role)))
		return rsg_call_fail(c, RSG_BAD_VALUE, "role", NULL);
	if (rsg_msg_get_text(c->in, RSG_F_ACTION, s->action, sizeof(s->action)) &&
	    rsg_action_find(s->action, strlen(s->action)) == 0)
		return rsg_call_fail(c, RSG_BAD_VALUE, "action", NULL);
	(void)rsg_msg_get_text(c->in, RSG_F_AT_PLACE, s->place, sizeof(s->place));
	if (rsg_msg_get(c->in, RSG_F_POLICY, &p, &n)) {
		if (n != sizeof(s->policy))
			return rsg_call_fail(c, RSG_BAD_VALUE, "policy", NULL);
		memcpy(s->policy, p, n);
		s->by_policy = true;
	}
	s->sift = s->role[0] != '\0' || s->action[0] != '\0' || s->place[0] != '\0' ||
	    s->by_policy;
	return RSG_OK;
}

/* Actors and recipients are asked for by the names officers know. */
static enum rsg_err
find_names(struct rsg_worker *w, struct rsg_call *c, struct search *s)
{
	const struct rsg_result *r;
	const uint8_t *name, *p;
	size_t len, n;
	struct rsg_bind *b;
	int number;
	enum rsg_err e;

	if (rsg_msg_get(c->in, RSG_F_ACTOR, &name, &len) &&
	    !rsg_id_parse((const char *)name, len, &s->actor)) {
		b = rsg_db_bind(w->db, RSG_SQL_PRINCIPALS);
		rsg_bind_int(b, 0, c->actor.controller);
		number = rsg_db_send(w->db, b);
		if ((e = rsg_db_fetch(w->db)) != RSG_OK)
			return e;
		r = rsg_db_result(w->db, number);
		for (int row = 0; row < rsg_result_rows(r); row++) {
			p = rsg_result_bytes(r, row, 7, &n);
			if (n == len && memcmp(p, name, n) == 0)
				rsg_result_id(r, row, 1, &s->actor);
		}
		if (rsg_id_nil(&s->actor))
			return rsg_call_fail(c, RSG_NOT_FOUND, "actor", NULL);
	}
	if (rsg_msg_get(c->in, RSG_F_RECIPIENT, &name, &len)) {
		b = rsg_db_bind(w->db, RSG_SQL_RECIPIENTS);
		rsg_bind_int(b, 0, c->actor.controller);
		number = rsg_db_send(w->db, b);
		if ((e = rsg_db_fetch(w->db)) != RSG_OK)
			return e;
		r = rsg_db_result(w->db, number);
		for (int row = 0; row < rsg_result_rows(r); row++) {
			p = rsg_result_bytes(r, row, 2, &n);
			if (n == len && memcmp(p, name, n) == 0)
				s->recipient = (uint32_t)rsg_result_int(r, row, 0);
		}
		if (s->recipient == 0)
			return rsg_call_fail(c, RSG_NOT_FOUND, "recipient", NULL);
	}
	return RSG_OK;
}

static enum rsg_err
read_search(struct rsg_worker *w, struct rsg_call *c, struct search *s)
{
	enum rsg_err e;

	memset(s, 0, sizeof(*s));
	s->decision = -1;
	s->to = rsg_msg_get_int(c->in, RSG_F_TO, w->now + RSG_US);
	s->from = rsg_msg_get_int(c->in, RSG_F_FROM, s->to - 30 * RSG_DAY_US);
	s->limit = rsg_msg_get_int(c->in, RSG_F_LIMIT, LIMIT_DEFAULT);
	if (s->limit < 1 || s->limit > LIMIT_MAX)
		return rsg_call_fail(c, RSG_BAD_VALUE, "limit", NULL);
	if (s->from > s->to || s->to - s->from > DAYS_MAX * RSG_DAY_US)
		return rsg_call_fail(c, RSG_BAD_VALUE, "from", NULL);
	if ((e = read_names(w, c, s)) != RSG_OK || (e = read_sieve(w, c, s)) != RSG_OK ||
	    (e = read_cursor(w, c, s)) != RSG_OK)
		return e;
	return find_names(w, c, s);
}

/* --- What is found --- */

static int
send_search(struct rsg_worker *w, const struct rsg_call *c, const struct search *s,
    int64_t rows)
{
	struct rsg_bind *b = rsg_db_bind(w->db, s->about ? RSG_SQL_AUDIT_SEARCH_TAGS :
	    RSG_SQL_AUDIT_SEARCH);
	uint8_t tag[RSG_TAG_LEN];

	rsg_bind_int(b, 0, s->from);
	rsg_bind_int(b, 1, s->to);
	rsg_bind_int(b, 2, c->actor.controller);
	rsg_bind_id(b, 3, &s->actor);
	rsg_bind_int(b, 4, s->purpose);
	rsg_bind_int(b, 5, s->decision);
	rsg_bind_int(b, 6, s->recipient);
	rsg_bind_int(b, 7, s->after_time);
	rsg_bind_int(b, 8, s->after_seq);
	rsg_bind_int(b, 9, rows);
	for (int64_t d = rsg_clock_day(s->from); s->about && d <= rsg_clock_day(s->to); d++) {
		rsg_entry_tag(s->person.keys.key[RSG_KEY_EVIDENCE], d, tag);
		rsg_bind_bytes(b, 10, tag, sizeof(tag));
	}
	return rsg_db_send(w->db, b);
}

static void
put_if(struct rsg_buf *out, enum rsg_field f, const char *text)
{
	if (text[0] != '\0')
		rsg_msg_text(out, f, text);
}

static void
put_entry(struct rsg_buf *out, const struct rsg_entry *x, const struct rsg_id *subject,
    const char *recipient, const uint8_t hash[32])
{
	bool allowed = strcmp(x->decision, rsg_err_id(RSG_OK)) == 0;
	size_t mark = rsg_msg_open(out, RSG_F_ENTRIES);
	char text[RSG_ID_TEXT], proof[64];

	rsg_msg_id(out, RSG_F_ENTRY, &x->id);
	rsg_msg_int(out, RSG_F_TIME, x->time);
	rsg_msg_text(out, RSG_F_ACTOR, x->actor_name);
	rsg_msg_text(out, RSG_F_ROLE, x->role);
	rsg_msg_text(out, RSG_F_ACTION, x->action);
	put_if(out, RSG_F_PURPOSE, x->purpose);
	/* In the words that a search takes; where no rule refused, the error says why. */
	rsg_msg_text(out, RSG_F_DECISION, allowed ? "allow" : "deny");
	if (x->clause[0] != '\0' || !allowed)
		rsg_msg_text(out, RSG_F_CLAUSE,
		    x->clause[0] != '\0' ? x->clause : x->decision);
	put_if(out, RSG_F_RECIPIENT, recipient);
	for (size_t i = 0; i < x->nfields; i++)
		rsg_msg_text(out, RSG_F_FIELDS, x->field[i]);
	put_if(out, RSG_F_STAFF, x->staff);
	put_if(out, RSG_F_PLACE, x->place);
	put_if(out, RSG_F_REASON, x->reason);
	if (subject != NULL)
		rsg_msg_id(out, RSG_F_SUBJECT, subject);
	if (x->people > 0)
		rsg_msg_int(out, RSG_F_PEOPLE, x->people);
	put_if(out, RSG_F_BASIS, x->basis);
	rsg_msg_bytes(out, RSG_F_POLICY, x->policy, sizeof(x->policy));
	rsg_msg_bytes(out, RSG_F_LEAF, hash, 32);
	rsg_id_text(&x->id, text);
	(void)snprintf(proof, sizeof(proof), "/v1/audit/%s/proof", text);
	rsg_msg_text(out, RSG_F_PROOF, proof);
	rsg_msg_close(out, mark);
}

/* Entries of version 1 have the recipient's number, and the table its name. */
static void
name_recipient(const struct rsg_worker *w, const struct search *s,
    const struct rsg_entry *x, char out[65])
{
	const struct rsg_result *r = rsg_db_result(w->db, s->recipients);
	const uint8_t *p;
	size_t n;

	(void)snprintf(out, 65, "%s", x->recipient);
	for (int k = 0; out[0] == '\0' && x->recipient_no != 0 && k < rsg_result_rows(r); k++)
		if (rsg_result_int(r, k, 0) == x->recipient_no) {
			p = rsg_result_bytes(r, k, 2, &n);
			(void)snprintf(out, 65, "%.*s", (int)n, (const char *)p);
		}
}

static bool
sifted_out(const struct search *s, const struct rsg_entry *x)
{
	return s->sift && ((s->role[0] != '\0' && strcmp(s->role, x->role) != 0) ||
	    (s->action[0] != '\0' && strcmp(s->action, x->action) != 0) ||
	    (s->place[0] != '\0' && strcmp(s->place, x->place) != 0) ||
	    (s->by_policy && memcmp(s->policy, x->policy, sizeof(s->policy)) != 0));
}

/* A row is believed only if its bytes give its hash, and open. */
static enum rsg_err
show_row(struct rsg_worker *w, struct rsg_call *c, struct search *s,
    const struct rsg_result *r, int row, bool *shown)
{
	uint32_t controller = (uint32_t)rsg_result_int(r, row, 3);
	size_t nleaf, nhash;
	const uint8_t *leaf = rsg_result_bytes(r, row, 4, &nleaf);
	const uint8_t *stored = rsg_result_bytes(r, row, 5, &nhash);
	uint8_t hash[32];
	struct rsg_id id, subject;
	struct rsg_entry x;
	char recipient[65];
	enum rsg_err e;

	*shown = false;
	rsg_result_id(r, row, 0, &id);
	rsg_entry_hash(leaf, nleaf, hash);
	e = nhash == sizeof(hash) && memcmp(hash, stored, nhash) == 0 ?
	    rsg_entry_open(w->vault->keys, w->policy, controller, leaf, nleaf,
	    s->text, &x) :
	    RSG_TAMPERED;
	if (e == RSG_OK && !rsg_id_eq(&x.id, &id))
		e = RSG_TAMPERED;
	if (e == RSG_OK && s->about)
		e = rsg_entry_about(w->vault->keys, controller,
		    s->person.keys.key[RSG_KEY_EVIDENCE], leaf, nleaf, &subject) == RSG_OK &&
		    rsg_id_eq(&subject, &s->person.id) ? RSG_OK : RSG_TAMPERED;
	if (e != RSG_OK) {
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "audit_entry", "entry", RSG_LOG_ID, &id, NULL);
		return e;
	}
	if (sifted_out(s, &x))
		return RSG_OK;
	name_recipient(w, s, &x, recipient);
	/* A customer sees role and place, never which member of staff. */
	if (!rsg_id_nil(&c->actor.subject))
		x.staff[0] = x.reason[0] = '\0';
	put_entry(&c->out, &x, s->about ? &s->person.id : NULL, recipient, hash);
	*shown = true;
	return RSG_OK;
}

static enum rsg_err
put_next(struct rsg_worker *w, struct rsg_call *c, const struct search *s)
{
	uint8_t at[16];

	rsg_be64(at, (uint64_t)s->after_time);
	rsg_be64(at + 8, (uint64_t)s->after_seq);
	return rsg_token_put(w, c, "audit", at, sizeof(at));
}

/* One look into the table; *full: the page is, or nothing is left (false). */
static enum rsg_err
look(struct rsg_worker *w, struct rsg_call *c, struct search *s, int64_t rows,
    int64_t *left, bool *full, bool *end)
{
	const struct rsg_result *r;
	bool shown;
	int number = send_search(w, c, s, rows);
	enum rsg_err e;

	if ((e = rsg_db_fetch(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, number);
	for (int row = 0; row < rsg_result_rows(r) && !*full; row++) {
		if ((e = show_row(w, c, s, r, row, &shown)) != RSG_OK)
			return e;
		s->after_time = rsg_result_int(r, row, 1);
		s->after_seq = rsg_result_int(r, row, 2);
		*left -= shown;
		*full = *left == 0 || c->out.len > ANSWER_MAX;
	}
	*end = !*full && rsg_result_rows(r) < rows;
	return RSG_OK;
}

/* What only opened entries say is looked for in so many of them at most: then
 * the page is short, and `next` goes on from there. */
static enum rsg_err
found(struct rsg_worker *w, struct rsg_call *c, struct search *s)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_RECIPIENTS);
	int64_t left = s->limit, rows = s->sift ? SIFT_PAGE : s->limit, seen = 0;
	bool full = false, end = false;
	enum rsg_err e;

	rsg_bind_int(b, 0, c->actor.controller);
	s->recipients = rsg_db_send(w->db, b);
	for (; !full && !end && seen < SIFT_MAX; seen += rows)
		if ((e = look(w, c, s, rows, &left, &full, &end)) != RSG_OK)
			return e;
	if (!end && (e = put_next(w, c, s)) != RSG_OK)
		return e;
	return rsg_buf_err(&c->out);
}

enum rsg_err
rsg_op_audit_search(struct rsg_worker *w, struct rsg_call *c)
{
	struct rsg_answer answer;
	struct rsg_id id;
	struct search s;
	uint16_t purpose = rsg_policy_default(w->policy, RSG_ACT_AUDIT_READ);
	enum rsg_err e;

	if ((e = read_search(w, c, &s)) != RSG_OK)
		goto done;
	if (rsg_msg_get_id(c->in, RSG_F_SUBJECT, &id)) {
		s.about = true;
		if ((e = rsg_people_open(w, c, &id, &s.person)) != RSG_OK ||
		    (e = rsg_people_allowed(w, c, &s.person, RSG_ACT_AUDIT_READ,
		    purpose, &answer)) != RSG_OK)
			goto done;
	} else if ((e = rsg_call_allowed(w, c, RSG_ACT_AUDIT_READ, purpose, NULL, 0,
	    NULL, &answer)) != RSG_OK)
		goto done;
	if ((e = found(w, c, &s)) != RSG_OK)
		goto done;
	e = rsg_audit_commit(w, c);
done:
	rsg_secret_wipe(&s, sizeof(s));
	return e;
}
