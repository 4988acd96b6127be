/*
 * code.c - codes that work once, and what a benefit costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benefit/benefit.h"
#include "resguardo/log.h"
#include "segment/activity.h"

#define OTHER_MIN	4
#define KEY_EPOCH	1

void
rsg_benefit_code(const struct rsg_subject *s, const struct rsg_id *benefit,
    char code[RSG_BENEFIT_CODE])
{
	uint8_t key[RSG_KEY_LEN];

	rsg_derive(s->keys.key[RSG_KEY_ACTIVITY], "benefit-code", benefit, key);
	rsg_code_put(key, code);
	rsg_secret_wipe(key, sizeof(key));
}

/* Another system's: nothing is put right, for there it may tell codes apart. */
static bool
other_form(const char *code, size_t len, char form[RSG_BENEFIT_FORM])
{
	size_t at = 0;
	char c;

	for (size_t i = 0; i < len; i++) {
		c = code[i];
		if (c == '-' || c == ' ')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (at == RSG_BENEFIT_FORM - 1 || !((c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9')))
			return false;
		form[at++] = c;
	}
	form[at] = '\0';
	return at >= OTHER_MIN;
}

enum rsg_err
rsg_benefit_digest(const struct rsg_keyring *keys, uint32_t controller, const char *code,
    size_t len, char form[RSG_BENEFIT_FORM], uint8_t digest[RSG_DIGEST_LEN])
{
	static const struct rsg_service_name session = { RSG_SERVICE_SESSION, 0, 0 };
	uint8_t text[4 + RSG_BENEFIT_FORM];
	size_t n;

	if (!rsg_code_form(code, len, form) && !other_form(code, len, form))
		return RSG_BAD_VALUE;
	n = strlen(form);
	rsg_be32(text, controller);
	memcpy(text + 4, form, n);
	return rsg_service_digest(keys, session, "benefit-code", text, 4 + n, digest);
}

void
rsg_benefit_form(const struct rsg_subject *s, const struct rsg_benefit *b,
    char form[RSG_BENEFIT_FORM])
{
	char own[RSG_BENEFIT_CODE];

	rsg_benefit_code(s, &b->first.benefit, own);
	(void)snprintf(form, RSG_BENEFIT_FORM, "%.32s", b->code[0] != '\0' ? b->code : own);
	rsg_secret_wipe(own, sizeof(own));
}

/* --- Costs --- */

static struct rsg_place_of
activity_place(const struct rsg_subject *s)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_ACTIVITY,
	    .controller = s->controller, .pk = s->id,
	    .version = s->h.activity_version, .generation = KEY_EPOCH };
}

/* The activity as somebody reads it: the text is theirs for the call. */
typedef enum rsg_err reader(void *ctx, const uint8_t *text, size_t len);

static enum rsg_err
read_activity(const struct rsg_subject *s, reader *read, void *ctx)
{
	struct rsg_place_of at = activity_place(s);
	const uint8_t *sealed = s->newactivity != NULL ? s->newactivity : s->activity;
	size_t len = s->newactivity != NULL ? s->nnewactivity : s->nactivity, n;
	uint8_t *text;
	enum rsg_err e;

	if (sealed == NULL)
		return RSG_OK;
	if ((text = malloc(len)) == NULL)
		return RSG_NO_MEMORY;
	e = rsg_seal_open(s->keys.key[RSG_KEY_ACTIVITY], &at, sealed, len, text, &n);
	if (e == RSG_OK)
		e = read(ctx, text, n);
	rsg_secret_wipe(text, len);
	free(text);
	if (e != RSG_OK)
		rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S,
		    "activity", "subject", RSG_LOG_ID, &s->id, NULL);
	return e;
}

static enum rsg_err
read_days(void *a, const uint8_t *text, size_t len)
{
	return rsg_activity_get(a, text, len);
}

static enum rsg_err
open_activity(const struct rsg_subject *s, struct rsg_activity *a)
{
	return read_activity(s, read_days, a);
}

struct sum {
	const struct rsg_profit_window *window;
	struct rsg_profit *profit;
};

static enum rsg_err
read_sum(void *ctx, const uint8_t *text, size_t len)
{
	const struct sum *s = ctx;

	return rsg_profit_sum(text, len, s->window, s->profit);
}

enum rsg_err
rsg_benefit_profit(const struct rsg_subject *s, const struct rsg_profit_window *w,
    struct rsg_profit *out)
{
	struct sum sum = { w, out };

	*out = (struct rsg_profit){ 0 };
	return read_activity(s, read_sum, &sum);
}

static enum rsg_err
seal_activity(struct rsg_arena *arena, struct rsg_subject *s, const struct rsg_activity *a)
{
	struct rsg_buf text, sealed;
	struct rsg_place_of at;
	uint8_t *copy;
	enum rsg_err e;

	rsg_buf_init(&text, RSG_ACTIVITY_MAX + 4096);
	rsg_buf_init(&sealed, RSG_ACTIVITY_MAX + 8192);
	s->h.activity_version++;
	at = activity_place(s);
	if ((e = rsg_activity_put((struct rsg_activity *)(uintptr_t)a, &text)) != RSG_OK ||
	    (e = rsg_buf_err(&text)) != RSG_OK ||
	    (e = rsg_seal(s->keys.key[RSG_KEY_ACTIVITY], &at, text.p, text.len,
	    &sealed)) != RSG_OK || (e = rsg_buf_err(&sealed)) != RSG_OK)
		goto done;
	if ((copy = rsg_arena_get(arena, sealed.len)) == NULL) {
		e = RSG_NO_MEMORY;
		goto done;
	}
	memcpy(copy, sealed.p, sealed.len);
	s->newactivity = copy;
	s->nnewactivity = sealed.len;
	s->dirty = true;
done:
	rsg_buf_free(&text);
	rsg_buf_free(&sealed);
	return e;
}

enum rsg_err
rsg_benefit_activity(struct rsg_arena *arena, struct rsg_subject *s,
    const struct rsg_benefit_day *d)
{
	struct rsg_day add = { .day = d->day, .given = d->cost,
	    .contacts = d->kind != 0 };
	struct rsg_activity *a = rsg_activity_new();
	enum rsg_err e;

	if (a == NULL)
		return RSG_NO_MEMORY;
	if ((e = open_activity(s, a)) == RSG_OK &&
	    (e = rsg_activity_add(a, &add)) == RSG_OK) {
		if (d->kind != 0)
			rsg_activity_count(a, RSG_COUNT_KIND, d->kind, d->day);
		if (d->sent)
			rsg_activity_sent(a, d->day);
		if (d->channel != 0)
			rsg_activity_count(a, RSG_COUNT_CHANNEL, d->channel, d->day);
		e = seal_activity(arena, s, a);
	}
	rsg_activity_free(a);
	return e;
}

/*
 * A counter makes room when others are busier. Then the last day with any such
 * event stands in for it: that is later, so it errs on the side of silence.
 */
enum rsg_err
rsg_benefit_last(const struct rsg_subject *s, uint8_t kind, int32_t *day)
{
	struct rsg_activity *a = rsg_activity_new();
	const struct rsg_count *c;
	const struct rsg_day *d;
	bool full;
	enum rsg_err e;

	if (a == NULL)
		return RSG_NO_MEMORY;
	if ((e = open_activity(s, a)) != RSG_OK)
		goto done;
	e = RSG_NOT_FOUND;
	for (size_t i = 0; (c = rsg_activity_counter(a, i)) != NULL; i++)
		if (c->of == RSG_COUNT_KIND && c->what == kind) {
			*day = c->last;
			e = RSG_OK;
		}
	full = rsg_activity_counters(a) == RSG_ACTIVITY_COUNTERS;
	for (size_t i = 0; e != RSG_OK && full && (d = rsg_activity_day(a, i)) != NULL; i++)
		if (d->contacts > 0)
			*day = d->day;
	if (e != RSG_OK && full)
		e = RSG_OK;
done:
	rsg_activity_free(a);
	return e;
}

enum rsg_err
rsg_benefit_sent(const struct rsg_subject *s, int32_t today, uint32_t sent[RSG_SENT_DAYS])
{
	struct rsg_activity *a = rsg_activity_new();
	const struct rsg_count *c;
	const struct rsg_day *d;
	bool full;
	enum rsg_err e;

	memset(sent, 0, RSG_SENT_DAYS * sizeof(sent[0]));
	if (a == NULL)
		return RSG_NO_MEMORY;
	if ((e = open_activity(s, a)) != RSG_OK)
		goto done;
	full = rsg_activity_counters(a) == RSG_ACTIVITY_COUNTERS;
	for (size_t i = 0; full && (d = rsg_activity_day(a, i)) != NULL; i++)
		if (d->day <= today && today - d->day < RSG_SENT_DAYS)
			sent[today - d->day] = d->contacts;
	for (size_t i = 0; (c = rsg_activity_counter(a, i)) != NULL; i++)
		if (c->of == RSG_COUNT_SENT && c->last <= today &&
		    today - c->last < RSG_SENT_DAYS)
			sent[today - c->last] = c->n;
done:
	rsg_activity_free(a);
	return e;
}
