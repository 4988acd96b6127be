#include "consent/attachment.h"

#include <string.h>

#include "resguardo/log.h"

#define HEAD_VERSION	1
#define HEAD_MAX	128
#define KEY_EPOCH	1

/* The two sealed values of a row, told apart by the version of their place. */
enum part { PART_HEAD = 1, PART_BYTES = 2 };

/* Forms, scans and recordings. Nothing that is run, or drawn from elsewhere. */
static const char *const media[] = {
	NULL, "application/pdf", "image/jpeg", "image/png", "image/tiff",
	"image/webp", "text/plain", "audio/mpeg", "audio/ogg", "audio/wav",
};

uint8_t
rsg_media_find(const char *s, size_t len)
{
	for (uint8_t i = 1; i < sizeof(media) / sizeof(media[0]); i++)
		if (strlen(media[i]) == len && memcmp(media[i], s, len) == 0)
			return i;
	return 0;
}

const char *
rsg_media_name(uint8_t n)
{
	return n > 0 && n < sizeof(media) / sizeof(media[0]) ? media[n] : "unknown";
}

static struct rsg_place_of
place(const struct rsg_subject *s, const struct rsg_id *id, enum part part)
{
	return (struct rsg_place_of){ .kind = RSG_SEAL_ATTACHMENT,
	    .controller = s->controller, .pk = s->id, .pk2 = *id,
	    .version = (uint64_t)part, .generation = KEY_EPOCH };
}

static enum rsg_err
tampered(const struct rsg_subject *s, const struct rsg_id *id)
{
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "attachment",
	    "subject", RSG_LOG_ID, &s->id, "attachment", RSG_LOG_ID, id, NULL);
	return RSG_TAMPERED;
}

static enum rsg_err
seal_part(const struct rsg_subject *s, const struct rsg_id *id, enum part part,
    const void *p, size_t len, struct rsg_buf *out)
{
	struct rsg_place_of at = place(s, id, part);
	enum rsg_err e = rsg_seal(s->keys.key[RSG_KEY_EVIDENCE], &at, p, len, out);

	return e != RSG_OK ? e : rsg_buf_err(out);
}

enum rsg_err
rsg_attachment_put(struct rsg_bind *q, const struct rsg_subject *s,
    const struct rsg_id *id, struct rsg_attachment *a, const void *p, size_t len)
{
	struct rsg_buf text, head, sealed;
	enum rsg_err e;

	if (len > RSG_ATTACHMENT_MAX)
		return RSG_TOO_LARGE;
	a->bytes = (uint32_t)len;
	rsg_sha256(&(struct rsg_part){ p, len }, 1, a->hash);
	rsg_buf_init(&text, HEAD_MAX);
	rsg_buf_init(&head, rsg_seal_size(HEAD_MAX));
	rsg_buf_init(&sealed, rsg_seal_size(RSG_ATTACHMENT_MAX));
	rsg_buf_u8(&text, HEAD_VERSION);
	rsg_buf_u8(&text, a->media);
	rsg_buf_u64(&text, (uint64_t)a->time);
	rsg_buf_u32(&text, a->bytes);
	rsg_buf_put(&text, a->principal.b, RSG_ID_LEN);
	rsg_buf_put(&text, a->hash, sizeof(a->hash));
	if ((e = rsg_buf_err(&text)) == RSG_OK &&
	    (e = seal_part(s, id, PART_HEAD, text.p, text.len, &head)) == RSG_OK &&
	    (e = seal_part(s, id, PART_BYTES, p, len, &sealed)) == RSG_OK) {
		rsg_bind_id(q, 0, &s->id);
		rsg_bind_id(q, 1, id);
		rsg_bind_bytes(q, 2, head.p, head.len);
		rsg_bind_bytes(q, 3, sealed.p, sealed.len);
	}
	rsg_buf_free(&text);
	rsg_buf_free(&head);
	rsg_buf_free(&sealed);
	return e;
}

static bool
get_head(const uint8_t *text, size_t len, struct rsg_attachment *a)
{
	const uint8_t *who, *hash;
	struct rsg_rd in;

	rsg_rd_init(&in, text, len);
	if (rsg_rd_u8(&in) != HEAD_VERSION)
		return false;
	a->media = rsg_rd_u8(&in);
	a->time = (int64_t)rsg_rd_u64(&in);
	a->bytes = rsg_rd_u32(&in);
	who = rsg_rd_get(&in, RSG_ID_LEN);
	hash = rsg_rd_get(&in, RSG_DIGEST_LEN);
	if (!rsg_rd_end(&in))
		return false;
	memcpy(a->principal.b, who, RSG_ID_LEN);
	memcpy(a->hash, hash, RSG_DIGEST_LEN);
	return true;
}

enum rsg_err
rsg_attachment_head(const struct rsg_subject *s, const struct rsg_id *id,
    const uint8_t *head, size_t len, struct rsg_attachment *a)
{
	struct rsg_place_of at = place(s, id, PART_HEAD);
	uint8_t text[2 * HEAD_MAX];
	size_t n;
	bool good;

	memset(a, 0, sizeof(*a));
	good = len <= sizeof(text) && rsg_seal_open(s->keys.key[RSG_KEY_EVIDENCE],
	    &at, head, len, text, &n) == RSG_OK && get_head(text, n, a);
	rsg_secret_wipe(text, sizeof(text));
	return good ? RSG_OK : tampered(s, id);
}

enum rsg_err
rsg_attachment_bytes(struct rsg_arena *arena, const struct rsg_subject *s,
    const struct rsg_id *id, const struct rsg_attachment *a, const uint8_t *sealed,
    size_t len, const uint8_t **bytes)
{
	struct rsg_place_of at = place(s, id, PART_BYTES);
	uint8_t hash[RSG_DIGEST_LEN], *text;
	size_t n;

	*bytes = NULL;
	/* Its size follows from the head's, so that no row asks for more room. */
	if (a->bytes > RSG_ATTACHMENT_MAX || len != rsg_seal_size(a->bytes))
		return tampered(s, id);
	if ((text = rsg_arena_get(arena, len)) == NULL)
		return RSG_NO_MEMORY;
	if (rsg_seal_open(s->keys.key[RSG_KEY_EVIDENCE], &at, sealed, len, text,
	    &n) != RSG_OK)
		return tampered(s, id);
	rsg_sha256(&(struct rsg_part){ text, n }, 1, hash);
	if (memcmp(hash, a->hash, sizeof(hash)) != 0)
		return tampered(s, id);
	*bytes = text;
	return RSG_OK;
}
