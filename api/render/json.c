#include <stdio.h>
#include <string.h>

#include "intake/codec.h"
#include "render/render.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"

static void put_members(struct rsg_jw *, struct rsg_fields, enum rsg_shape);

void
rsg_render_value(struct rsg_buf *b, enum rsg_ftype type, const uint8_t *p,
    size_t n)
{
	char text[RSG_ID_TEXT] = "";
	struct rsg_id id;

	switch (type) {
	case RSG_T_TEXT:
	case RSG_T_NAME:
		rsg_buf_put(b, p, n);
		return;
	case RSG_T_BLOB:
		rsg_codec_base64(b, p, n);
		return;
	case RSG_T_HEX:
		rsg_codec_hex(b, p, n);
		return;
	case RSG_T_ID:
		memcpy(id.b, p, RSG_ID_LEN);
		rsg_id_text(&id, text);
		break;
	case RSG_T_TIME:
		rsg_clock_text((int64_t)rsg_get64(p), text);
		break;
	case RSG_T_DAY:
		rsg_clock_day_text((int64_t)rsg_get64(p), text);
		break;
	case RSG_T_INT:
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)(int64_t)rsg_get64(p));
		break;
	case RSG_T_BOOL:
		(void)snprintf(text, sizeof(text), "%s", p[0] ? "true" : "false");
		break;
	case RSG_T_GROUP:
	case RSG_T_MAP:
		break;
	}
	rsg_buf_str(b, text);
}

/* A value whose text is made here, not carried as it is. */
static void
put_made(struct rsg_jw *w, const char *name, enum rsg_ftype type,
    const uint8_t *p, size_t n)
{
	struct rsg_buf text;

	rsg_buf_init(&text, RSG_MSG_MAX * 2);
	rsg_render_value(&text, type, p, n);
	if (rsg_buf_ok(&text))
		rsg_jw_string(w, name, text.p, text.len);
	else
		w->b->failed = true;
	rsg_buf_free(&text);
}

static void
put_value(struct rsg_jw *w, const char *name, enum rsg_field f,
    const uint8_t *p, size_t n)
{
	const struct rsg_fieldinfo *info = rsg_msg_field(f);

	switch (info->type) {
	case RSG_T_TEXT:
	case RSG_T_NAME:
		rsg_jw_string(w, name, p, n);
		return;
	case RSG_T_INT:
		rsg_jw_int(w, name, (int64_t)rsg_get64(p));
		return;
	case RSG_T_BOOL:
		rsg_jw_bool(w, name, p[0] != 0);
		return;
	case RSG_T_GROUP:
		rsg_jw_object(w, name);
		put_members(w, (struct rsg_fields){ p, n }, info->shape);
		rsg_jw_end(w);
		return;
	default:
		put_made(w, name, info->type, p, n);
		return;
	}
}

/* Pairs become members of one object; a pair without value is null. */
static void
put_map(struct rsg_jw *w, struct rsg_fields f, enum rsg_field field)
{
	struct rsg_fields pair;
	const uint8_t *value;
	char key[128];
	size_t pos = 0, n;

	rsg_jw_object(w, rsg_msg_field(field)->json);
	while (rsg_msg_each(f, &pos, field, &pair)) {
		rsg_msg_get_text(pair, RSG_F_KEY, key, sizeof(key));
		if (rsg_msg_get(pair, RSG_F_VALUE, &value, &n))
			rsg_jw_string(w, key, value, n);
		else
			rsg_jw_null(w, key);
	}
	rsg_jw_end(w);
}

static void
put_list(struct rsg_jw *w, struct rsg_fields f, enum rsg_field field)
{
	struct rsg_fields item;
	size_t pos = 0;

	rsg_jw_array(w, rsg_msg_field(field)->json);
	while (rsg_msg_each(f, &pos, field, &item))
		put_value(w, NULL, field, item.p, item.len);
	rsg_jw_end(w);
}

static void
put_members(struct rsg_jw *w, struct rsg_fields f, enum rsg_shape shape)
{
	const struct rsg_shapeinfo *s = rsg_msg_shape(shape);
	const uint8_t *p;
	enum rsg_field field;
	size_t n;

	for (size_t i = 0; i < s->n; i++) {
		field = s->member[i].field;
		if (rsg_msg_field(field)->type == RSG_T_MAP)
			put_map(w, f, field);
		else if (s->member[i].many == RSG_MANY)
			put_list(w, f, field);
		else if (rsg_msg_get(f, field, &p, &n))
			put_value(w, rsg_msg_field(field)->json, field, p, n);
	}
}

void
rsg_render_object(struct rsg_buf *b, struct rsg_fields f, enum rsg_shape shape)
{
	const uint8_t *p;
	struct rsg_jw w;
	size_t n;

	rsg_jw_init(&w, b);
	rsg_jw_object(&w, NULL);
	put_members(&w, f, shape);
	if (rsg_msg_get(f, RSG_F_ENTRY, &p, &n))
		put_value(&w, "audit_entry", RSG_F_ENTRY, p, n);
	rsg_jw_end(&w);
}

void
rsg_render_lines(struct rsg_buf *b, struct rsg_fields f, enum rsg_field list)
{
	struct rsg_fields item;
	struct rsg_jw w;
	size_t pos = 0;

	while (rsg_msg_each(f, &pos, list, &item)) {
		rsg_jw_init(&w, b);
		rsg_jw_object(&w, NULL);
		put_members(&w, item, rsg_msg_field(list)->shape);
		rsg_jw_end(&w);
		rsg_buf_u8(b, '\n');
	}
}

void
rsg_render_problem(struct rsg_buf *b, const struct rsg_problem *p)
{
	const struct rsg_errinfo *info = rsg_err_info(p->err);
	char text[96];
	struct rsg_jw w;

	rsg_jw_init(&w, b);
	rsg_jw_object(&w, NULL);
	(void)snprintf(text, sizeof(text), "urn:resguardo:error:%s", info->id);
	rsg_jw_text(&w, "type", text);
	rsg_jw_text(&w, "title", info->title[p->lang]);
	rsg_jw_int(&w, "status", info->http);
	rsg_jw_text(&w, "detail", info->next[p->lang]);
	rsg_jw_text(&w, "instance", p->request);
	if (p->member != NULL && p->member[0] != '\0')
		rsg_jw_text(&w, "member", p->member);
	if (p->clause != NULL && p->clause[0] != '\0')
		rsg_jw_text(&w, "clause", p->clause);
	if (p->entry != NULL) {
		rsg_id_text(p->entry, text);
		rsg_jw_text(&w, "audit_entry", text);
	}
	rsg_jw_end(&w);
}
