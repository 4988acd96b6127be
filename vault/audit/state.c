/*
 * state.c - the small tables against what the entries say they wrote.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/check_int.h"
#include "store/keys.h"
#include "work/vault.h"

/*
 * Each table: how a MAC's columns are read, and whether its key is a number.
 * u an id (NULL: nil), b bytes, i a number or time (NULL: 0), t a text (NULL:
 * ""); after '?' the rest counts only if any of it is not empty.
 */
static const struct {
	enum rsg_effect_kind kind;
	const char *table, *what, *columns;
	enum rsg_sql sql;
} tables[] = {
	{ RSG_EFFECT_PRINCIPAL, "principal", "principal", "uittiuti",
	  RSG_SQL_CHECK_PRINCIPALS },
	{ RSG_EFFECT_CREDENTIAL, "credential", "credential", "uubiii",
	  RSG_SQL_CHECK_CREDENTIALS },
	{ RSG_EFFECT_POLICY, "policy_version", "policy version", "ibtii",
	  RSG_SQL_CHECK_POLICIES },
	{ RSG_EFFECT_CONTROLLER, "controller", "controller", "ittttt?tttttt",
	  RSG_SQL_CHECK_CONTROLLERS },
	{ RSG_EFFECT_RECIPIENT, "recipient", "recipient", "iittttii",
	  RSG_SQL_CHECK_RECIPIENTS },
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* --- What was written --- */

enum rsg_err
rsg__state_wrote(struct rsg__state *s, const struct rsg_effect *x, size_t n,
    const struct rsg_id *entry, int64_t xid)
{
	if (s->nwrote + n > s->room) {
		size_t room = (s->nwrote + n) * 2 + 256;
		struct rsg__wrote *p = realloc(s->wrote, room * sizeof(*p));

		if (p == NULL)
			return RSG_NO_MEMORY;
		s->wrote = p;
		s->room = room;
	}
	for (size_t i = 0; i < n; i++) {
		struct rsg__wrote *w = &s->wrote[s->nwrote];

		*w = (struct rsg__wrote){ .kind = x[i].kind, .key = x[i].key,
		    .entry = *entry, .xid = xid, .order = s->nwrote };
		memcpy(w->digest, x[i].digest, sizeof(w->digest));
		s->nwrote++;
	}
	return RSG_OK;
}

static int
by_key(const void *a, const void *b)
{
	const struct rsg__wrote *x = a, *y = b;
	int d;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if ((d = memcmp(x->key.b, y->key.b, RSG_ID_LEN)) != 0)
		return d;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
sort(struct rsg__state *s)
{
	if (s->nwrote > 0)
		qsort(s->wrote, s->nwrote, sizeof(*s->wrote), by_key);
}

struct rsg__wrote *
rsg__state_find(const struct rsg__state *s, uint8_t kind, const struct rsg_id *key)
{
	struct rsg__wrote want = { .kind = kind, .key = *key, .order = SIZE_MAX };
	size_t lo = 0, hi = s->nwrote;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_key(&s->wrote[mid], &want) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || s->wrote[lo - 1].kind != kind ||
	    !rsg_id_eq(&s->wrote[lo - 1].key, key))
		return NULL;
	return &s->wrote[lo - 1];
}

/* --- What is there --- */

static void
key_text(const struct rsg_id *key, bool number, char out[RSG_ID_TEXT])
{
	if (number)
		(void)snprintf(out, RSG_ID_TEXT, "%llu",
		    (unsigned long long)rsg_get64(key->b + 8));
	else
		rsg_id_text(key, out);
}

/* One column, in the form that the MAC covers. */
static void
put_column(struct rsg_buf *b, char type, const struct rsg_result *r, int row, int col)
{
	struct rsg_id id = { 0 };
	const uint8_t *p;
	size_t n;

	switch (type) {
	case 'i':
		rsg_mac_int(b, rsg_result_null(r, row, col) ? 0 :
		    rsg_result_int(r, row, col));
		return;
	case 'u':
		if (!rsg_result_null(r, row, col))
			rsg_result_id(r, row, col, &id);
		rsg_mac_bytes(b, id.b, RSG_ID_LEN);
		return;
	default:
		p = rsg_result_bytes(r, row, col, &n);
		rsg_mac_bytes(b, p == NULL ? (const uint8_t *)"" : p, n);
	}
}

/* Do all columns from here on say nothing? */
static bool
empty(const char *type, const struct rsg_result *r, int row, int col)
{
	size_t n;

	for (; *type != '\0'; type++, col++) {
		(void)rsg_result_bytes(r, row, col, &n);
		if (n > 0)
			return false;
	}
	return true;
}

/* Does the row's MAC cover what stands in it? */
static enum rsg_err
row_sound(struct rsg__state *s, size_t t, const struct rsg_result *r, int row,
    struct rsg__held *h, bool *sound)
{
	const char *type = tables[t].columns;
	uint8_t mac[RSG_DIGEST_LEN];
	const uint8_t *stored;
	struct rsg_buf b;
	int col = 0;
	size_t n;
	enum rsg_err e;

	rsg_buf_init(&b, 1u << 20);
	for (; *type != '\0'; type++) {
		if (*type != '?')
			put_column(&b, *type, r, row, col++);
		else if (empty(type + 1, r, row, col)) {
			col += (int)strlen(type + 1);
			break;
		}
	}
	e = rsg_row_mac(s->c->keys, tables[t].table, &b, mac);
	rsg_buf_free(&b);
	stored = rsg_result_bytes(r, row, col, &n);
	*sound = n == sizeof(mac) && rsg_secret_equal(mac, stored, n);
	h->kind = (uint8_t)tables[t].kind;
	memcpy(h->digest, mac, sizeof(h->digest));
	if (tables[t].columns[0] == 'i')
		h->key = rsg_seal_number((uint64_t)rsg_result_int(r, row, 0));
	else
		rsg_result_id(r, row, 0, &h->key);
	return e;
}

static enum rsg_err
read_table(struct rsg__state *s, size_t t)
{
	const struct rsg_result *r;
	char name[RSG_ID_TEXT];
	bool sound;
	int n = rsg_db_send(s->c->db, rsg_db_bind(s->c->db, tables[t].sql));
	enum rsg_err e;

	if ((e = rsg_db_fetch(s->c->db)) != RSG_OK)
		return e;
	r = rsg_db_result(s->c->db, n);
	for (int row = 0; row < rsg_result_rows(r); row++) {
		if (s->nheld == s->heldroom) {
			size_t room = s->heldroom * 2 + 64;
			struct rsg__held *p = realloc(s->held, room * sizeof(*p));

			if (p == NULL)
				return RSG_NO_MEMORY;
			s->held = p;
			s->heldroom = room;
		}
		e = row_sound(s, t, r, row, &s->held[s->nheld], &sound);
		if (e != RSG_OK)
			return e;
		key_text(&s->held[s->nheld].key, tables[t].columns[0] == 'i', name);
		if (!sound)
			rsg__check_wrong(s->c, "%s %s was changed: its MAC is of another row",
			    tables[t].what, name);
		s->nheld++;
		s->c->others++;
	}
	return rsg_db_commit(s->c->db);
}

static bool
wanted(struct rsg_service_name name)
{
	return name.service == RSG_SERVICE_ROWMAC || name.service == RSG_SERVICE_OPERATIONS;
}

enum rsg_err
rsg_check_keys(struct rsg_db *db, struct rsg_keyring *keys)
{
	enum rsg_err e = rsg_keys_load(db, keys, wanted, false);

	if (e == RSG_OK)
		e = rsg_db_commit(db);
	return e == RSG_TAMPERED ? RSG_CONFIG : e;
}

enum rsg_err
rsg__state_begin(struct rsg__state *s)
{
	enum rsg_err e;
	int n;

	if ((e = rsg_check_keys(s->c->db, s->c->keys)) != RSG_OK)
		return e;
	n = rsg_db_send(s->c->db, rsg_db_bind(s->c->db, RSG_SQL_CHECK_HORIZON));
	if ((e = rsg_db_fetch(s->c->db)) != RSG_OK)
		return e;
	s->horizon = rsg_result_int(rsg_db_result(s->c->db, n), 0, 0);
	return rsg_db_commit(s->c->db);
}

enum rsg_err
rsg__state_read(struct rsg__state *s)
{
	enum rsg_err e;

	sort(s);
	for (size_t t = 0; t < TABLES; t++)
		if ((e = read_table(s, t)) != RSG_OK)
			return e;
	return rsg__check_people(s);
}

/* --- The two together --- */

/* The rules that came with the first start have no entry, but a MAC. */
static bool
first_policy(const struct rsg__held *h)
{
	struct rsg_id one = rsg_seal_number(1);

	return h->kind == RSG_EFFECT_POLICY && rsg_id_eq(&h->key, &one);
}

/* What stands there must be what was written last, or since the horizon. */
static void
held_against(struct rsg__state *s, size_t t, const struct rsg__held *h)
{
	struct rsg__wrote *w = rsg__state_find(s, h->kind, &h->key), *last = w;
	char name[RSG_ID_TEXT], entry[RSG_ID_TEXT];
	bool same = false;

	key_text(&h->key, tables[t].columns[0] == 'i', name);
	if (w == NULL) {
		if (!first_policy(h))
			rsg__check_wrong(s->c, "%s %s was added: no entry of the log wrote it",
			    tables[t].what, name);
		return;
	}
	for (;; w--) {
		w->seen = true;
		same = memcmp(w->digest, h->digest, sizeof(h->digest)) == 0;
		if (same || w->xid < s->horizon || w == s->wrote ||
		    w[-1].kind != h->kind || !rsg_id_eq(&w[-1].key, &h->key))
			break;
	}
	rsg_id_text(&last->entry, entry);
	if (!same)
		rsg__check_wrong(s->c, "%s %s was changed or put back: entry %s left it "
		    "otherwise", tables[t].what, name, entry);
}

/* Written before the horizon, and nowhere: of each key, its newest. */
static void
missing(struct rsg__state *s)
{
	char name[RSG_ID_TEXT], entry[RSG_ID_TEXT];

	for (size_t i = 0; i < s->nwrote; i++) {
		const struct rsg__wrote *w = &s->wrote[i];
		size_t t = 0;

		if (w->seen || w->xid >= s->horizon || (i + 1 < s->nwrote &&
		    w[1].kind == w->kind && rsg_id_eq(&w[1].key, &w->key)))
			continue;
		rsg_id_text(&w->entry, entry);
		while (t < TABLES && tables[t].kind != w->kind)
			t++;
		if (t == TABLES) {
			rsg__check_wrong(s->c, "a person's row was removed or put back: entry %s "
			    "left it in a state that is nowhere", entry);
			continue;
		}
		key_text(&w->key, tables[t].columns[0] == 'i', name);
		rsg__check_wrong(s->c, "%s %s was removed: entry %s wrote it",
		    tables[t].what, name, entry);
	}
}

void
rsg__state_end(struct rsg__state *s)
{
	sort(s);
	for (size_t i = 0; i < s->nheld; i++)
		for (size_t t = 0; t < TABLES; t++)
			if (tables[t].kind == s->held[i].kind)
				held_against(s, t, &s->held[i]);
	for (size_t i = 0; i < s->nunknown; i++)
		rsg__check_born(s, &s->unknown[i]);
	missing(s);
}

void
rsg__state_free(struct rsg__state *s)
{
	free(s->wrote);
	free(s->held);
	free(s->unknown);
}
