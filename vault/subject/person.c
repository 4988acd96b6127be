#include <string.h>

#include "resguardo/log.h"
#include "subject/person.h"

#define RECORD_VERSION	1
#define RECORD_REMOVED	1		/* flag: the value was taken away */
#define KEY_EPOCH	1		/* of a person's key set; new when it is replaced */

static const char *const sources[] = {
	[RSG_SOURCE_SELF] = "self", [RSG_SOURCE_STAFF] = "staff",
	[RSG_SOURCE_INFERRED] = "inferred", [RSG_SOURCE_BOUGHT] = "bought",
};

int
rsg_source_find(const char *s, size_t len)
{
	for (int i = 1; i < (int)(sizeof(sources) / sizeof(sources[0])); i++)
		if (strlen(sources[i]) == len && memcmp(sources[i], s, len) == 0)
			return i;
	return 0;
}

static struct rsg_place_of
header_place(const struct rsg_subject *s, int64_t version)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_HEADER,
	    .controller = s->controller, .pk = s->id,
	    .version = (uint64_t)version, .generation = KEY_EPOCH };
}

static struct rsg_place_of
field_place(const struct rsg_subject *s, uint16_t number, uint32_t version)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_FIELD,
	    .controller = s->controller, .pk = s->id,
	    .pk2 = rsg_seal_number(number), .version = version,
	    .generation = KEY_EPOCH };
}

void
rsg_person_row(struct rsg_subject *s, const struct rsg_result *r, int row, int col)
{
	s->controller = (uint32_t)rsg_result_int(r, row, col);
	s->version = rsg_result_int(r, row, col + 1);
	s->generation = (uint32_t)rsg_result_int(r, row, col + 2);
	s->keyset = rsg_result_bytes(r, row, col + 3, &s->nkeyset);
	s->header = rsg_result_bytes(r, row, col + 4, &s->nheader);
	s->nactivity = 0;
	s->activity = rsg_result_null(r, row, col + 5) ? NULL :
	    rsg_result_bytes(r, row, col + 5, &s->nactivity);
	s->found = true;
}

void
rsg_person_heads(struct rsg_subject *s, const struct rsg_result *r, int row, int col)
{
	s->consents = rsg_result_null(r, row, col) ? 0 :
	    (uint32_t)rsg_result_int(r, row, col);
	s->benefits = rsg_result_null(r, row, col + 1) ? 0 :
	    (uint32_t)rsg_result_int(r, row, col + 1);
	s->counted = true;
}

static enum rsg_err
tampered(const struct rsg_subject *s, const char *what)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, what,
	    "subject", RSG_LOG_ID, &s->id, NULL);
	return RSG_TAMPERED;
}

enum rsg_err
rsg_person_open(const struct rsg_keyring *keys, struct rsg_subject *s,
    uint32_t controller)
{
	uint8_t text[RSG_HEADER_MAX + 64];
	struct rsg_place_of at;
	size_t n;
	enum rsg_err e;

	if (!s->found || s->controller != controller)
		return RSG_NOT_FOUND;
	if (s->opened)
		return RSG_OK;
	if (s->nheader > sizeof(text))
		return tampered(s, "header");
	e = rsg_keyset_open(keys, s->controller, &s->id, s->generation,
	    s->keyset, s->nkeyset, &s->keys);
	if (e != RSG_OK)
		return e == RSG_TAMPERED ? tampered(s, "keyset") : e;
	at = header_place(s, s->version);
	e = rsg_seal_open(s->keys.key[RSG_KEY_PROFILE], &at, s->header,
	    s->nheader, text, &n);
	if (e == RSG_OK)
		e = rsg_header_get(&s->h, text, n);
	rsg_secret_wipe(text, sizeof(text));
	if (e != RSG_OK)
		return tampered(s, "header");
	if ((s->activity == NULL) != (s->h.activity_version == 0))
		return tampered(s, "activity");
	/* A whole row of before, put back: the histories went on without it. */
	if (s->counted && (s->h.consent.count != s->consents ||
	    s->h.benefit.count != s->benefits))
		return tampered(s, "history");
	s->opened = true;
	return RSG_OK;
}

enum rsg_err
rsg_person_new(struct rsg_batch *b, struct rsg_item *it,
    const char *jurisdiction, const char *language)
{
	struct rsg_subject *s;
	uint8_t *wrapped;
	enum rsg_err e;

	if ((s = rsg_arena_get(b->w->arena, sizeof(*s))) == NULL ||
	    (wrapped = rsg_arena_get(b->w->arena, RSG_KEYSET_WRAPPED)) == NULL)
		return RSG_NO_MEMORY;
	s->id = rsg_id_new();
	s->controller = it->call->actor.controller;
	s->generation = rsg_keyring_generation(b->w->vault->keys);
	e = rsg_keyset_new(b->w->vault->keys, s->controller, &s->id, &s->keys, wrapped);
	if (e != RSG_OK)
		return e;
	s->keyset = wrapped;
	s->nkeyset = RSG_KEYSET_WRAPPED;
	s->found = s->opened = s->dirty = s->fresh = true;
	s->h.state = RSG_STATE_ACTIVE;
	memcpy(s->h.jurisdiction, jurisdiction, strnlen(jurisdiction,
	    sizeof(s->h.jurisdiction) - 1));
	memcpy(s->h.language, language, strnlen(language, sizeof(s->h.language) - 1));
	b->subject[b->nsubjects++] = s;
	it->subject = s;
	return RSG_OK;
}

enum rsg_err
rsg_person_stage(struct rsg_batch *b, struct rsg_subject *s)
{
	struct rsg_buf text, sealed;
	struct rsg_place_of at = header_place(s, s->version + 1);
	struct rsg_bind *q;
	enum rsg_err e;

	rsg_buf_init(&text, RSG_HEADER_MAX);
	rsg_buf_init(&sealed, RSG_HEADER_MAX + 1024);
	rsg_header_put(&s->h, &text);
	if ((e = rsg_buf_err(&text)) != RSG_OK ||
	    (e = rsg_seal(s->keys.key[RSG_KEY_PROFILE], &at, text.p, text.len,
	    &sealed)) != RSG_OK || (e = rsg_buf_err(&sealed)) != RSG_OK)
		goto done;
	if (s->fresh) {
		q = rsg_stage(b, RSG_SQL_SUBJECT_INSERT);
		rsg_bind_id(q, 0, &s->id);
		rsg_bind_int(q, 1, s->controller);
		rsg_bind_int(q, 2, s->version + 1);
		rsg_bind_int(q, 3, s->generation);
		rsg_bind_bytes(q, 4, s->keyset, s->nkeyset);
		rsg_bind_bytes(q, 5, sealed.p, sealed.len);
		rsg_bind_null(q, 6);
	} else {
		q = rsg_stage(b, s->newactivity == NULL ? RSG_SQL_SUBJECT_UPDATE :
		    RSG_SQL_SUBJECT_UPDATE_ACTIVITY);
		rsg_bind_id(q, 0, &s->id);
		rsg_bind_int(q, 1, s->version);
		rsg_bind_bytes(q, 2, sealed.p, sealed.len);
		if (s->newactivity != NULL)
			rsg_bind_bytes(q, 3, s->newactivity, s->nnewactivity);
	}
done:
	rsg_buf_free(&text);
	rsg_buf_free(&sealed);
	return e;
}

enum rsg_err
rsg_person_record(const uint8_t *p, size_t len, struct rsg_value *v)
{
	struct rsg_rd r;
	uint8_t flags;

	rsg_rd_init(&r, p, len);
	if (rsg_rd_u8(&r) != RECORD_VERSION)
		return RSG_TAMPERED;
	flags = rsg_rd_u8(&r);
	v->source = rsg_rd_u8(&r);
	v->collected = (int64_t)rsg_rd_u64(&r);
	(void)rsg_rd_get(&r, rsg_rd_u8(&r));		/* the notice */
	v->len = r.left;
	v->text = (const char *)rsg_rd_get(&r, r.left);
	if (!rsg_rd_ok(&r))
		return RSG_TAMPERED;
	return (flags & RECORD_REMOVED) ? RSG_NOT_FOUND : RSG_OK;
}

enum rsg_err
rsg_person_value(struct rsg_arena *arena, const struct rsg_subject *s,
    uint16_t number, uint32_t version, const uint8_t *sealed, size_t len,
    struct rsg_value *v)
{
	struct rsg_place_of at = field_place(s, number, version);
	uint8_t *text;
	size_t n;

	if (version != s->h.field_version[number] || len < RSG_SEAL_EXTRA)
		return tampered(s, "field version");
	if ((text = rsg_arena_get(arena, len)) == NULL)
		return RSG_NO_MEMORY;
	if (rsg_seal_open(s->keys.key[RSG_KEY_PROFILE], &at, sealed, len, text,
	    &n) != RSG_OK)
		return tampered(s, "field");
	return rsg_person_record(text, n, v);
}

enum rsg_err
rsg_person_seal_field(struct rsg_subject *s, const struct rsg_fielddef *fd,
    enum rsg_source source, int64_t collected, const char *notice,
    const char *text, size_t len, int64_t today, struct rsg_buf *sealed)
{
	uint16_t n = fd->number;
	uint32_t version = s->h.field_version[n] + 1;
	struct rsg_place_of at = field_place(s, n, version);
	size_t nnotice = notice == NULL ? 0 : strlen(notice);
	struct rsg_buf record;
	enum rsg_err e;

	rsg_buf_init(&record, RSG_VALUE_MAX);
	rsg_buf_u8(&record, RECORD_VERSION);
	rsg_buf_u8(&record, text == NULL ? RECORD_REMOVED : 0);
	rsg_buf_u8(&record, (uint8_t)source);
	rsg_buf_u64(&record, (uint64_t)collected);
	rsg_buf_u8(&record, (uint8_t)nnotice);
	rsg_buf_put(&record, notice, nnotice);
	rsg_buf_put(&record, text, text == NULL ? 0 : len);
	if ((e = rsg_buf_err(&record)) == RSG_OK)
		e = rsg_seal(s->keys.key[RSG_KEY_PROFILE], &at, record.p,
		    record.len, sealed);
	rsg_buf_free(&record);
	if (e != RSG_OK)
		return e;
	s->h.field_version[n] = version;
	s->h.field_present[n] = text != NULL;
	if (fd->facet > 0 && fd->facet < RSG_POLICY_FACETS)
		s->h.facet[fd->facet] = text == NULL ? 0 :
		    rsg_value_facet(fd, text, len, today);
	s->dirty = true;
	return rsg_buf_err(sealed);
}
