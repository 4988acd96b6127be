#include "segment/model.h"

#include <string.h>

#include "resguardo/log.h"
#include "work/vault.h"

#define FORMAT		1
#define DEFINITION_MAX	16384

uint32_t
rsg_model_k(const struct rsg_answer *a)
{
	return a->min_group > 0 ? a->min_group : RSG_MODEL_K;
}

static void
put_cuts(struct rsg_buf *b, const int64_t *cut, uint32_t bins)
{
	for (uint32_t j = 0; j + 1 < bins; j++)
		rsg_buf_u64(b, (uint64_t)cut[j]);
}

void
rsg_model_put(const struct rsg_model *m, struct rsg_buf *b)
{
	rsg_buf_u8(b, FORMAT);
	rsg_buf_u16(b, m->purpose);
	rsg_buf_u32(b, (uint32_t)m->window.as_of);
	rsg_buf_u32(b, (uint32_t)m->window.days);
	rsg_buf_u8(b, (uint8_t)m->window.returns);
	rsg_buf_u8(b, (uint8_t)m->cuts.bins);
	rsg_buf_short(b, m->zone);
	rsg_buf_short(b, m->currency);
	rsg_buf_u64(b, m->population);
	put_cuts(b, m->cuts.r, m->cuts.bins);
	put_cuts(b, m->cuts.f, m->cuts.bins);
	put_cuts(b, m->cuts.m, m->cuts.bins);
	rsg_cells_put(&m->cells, b);
}

static void
get_cuts(struct rsg_rd *in, int64_t *cut, uint32_t bins)
{
	for (uint32_t j = 0; j + 1 < bins; j++)
		cut[j] = (int64_t)rsg_rd_u64(in);
}

static enum rsg_err
get_definition(const uint8_t *p, size_t len, struct rsg_model *m)
{
	struct rsg_rd in;

	rsg_rd_init(&in, p, len);
	if (rsg_rd_u8(&in) != FORMAT)
		return RSG_TAMPERED;
	m->purpose = rsg_rd_u16(&in);
	m->window.as_of = (int32_t)rsg_rd_u32(&in);
	m->window.days = (int32_t)rsg_rd_u32(&in);
	m->window.returns = (enum rsg_returns)rsg_rd_u8(&in);
	m->cuts.bins = rsg_rd_u8(&in);
	if (m->cuts.bins < RSG_RFM_BINS_MIN || m->cuts.bins > RSG_RFM_BINS_MAX ||
	    m->window.returns > RSG_RETURNS_NET_DEDUP)
		return RSG_TAMPERED;
	rsg_rd_short(&in, m->zone, sizeof(m->zone));
	rsg_rd_short(&in, m->currency, sizeof(m->currency));
	m->population = rsg_rd_u64(&in);
	get_cuts(&in, m->cuts.r, m->cuts.bins);
	get_cuts(&in, m->cuts.f, m->cuts.bins);
	get_cuts(&in, m->cuts.m, m->cuts.bins);
	if (rsg_cells_get(&m->cells, m->cuts.bins, &in) != RSG_OK)
		return RSG_TAMPERED;
	return rsg_rd_end(&in) ? RSG_OK : RSG_TAMPERED;
}

static enum rsg_err
mac_of(const struct rsg_keyring *keys, const struct rsg_model *m,
    const uint8_t *definition, size_t len, uint8_t mac[RSG_DIGEST_LEN])
{
	struct rsg_buf b;
	enum rsg_err e;

	rsg_buf_init(&b, DEFINITION_MAX + 256);
	rsg_mac_bytes(&b, m->id.b, RSG_ID_LEN);
	rsg_mac_int(&b, m->controller);
	rsg_mac_int(&b, m->created);
	rsg_mac_bytes(&b, definition, len);
	e = rsg_row_mac(keys, "model", &b, mac);
	rsg_buf_free(&b);
	return e;
}

enum rsg_err
rsg_model_get(const struct rsg_keyring *keys, const struct rsg_result *r, int row,
    struct rsg_model *m)
{
	const uint8_t *definition, *stored;
	uint8_t mac[RSG_DIGEST_LEN];
	size_t len, maclen;
	enum rsg_err e;

	memset(m, 0, sizeof(*m));
	rsg_result_id(r, row, 0, &m->id);
	m->controller = (uint32_t)rsg_result_int(r, row, 1);
	m->created = rsg_result_int(r, row, 2);
	definition = rsg_result_bytes(r, row, 3, &len);
	stored = rsg_result_bytes(r, row, 4, &maclen);
	if (len > DEFINITION_MAX || maclen != sizeof(mac))
		goto tampered;
	if ((e = mac_of(keys, m, definition, len, mac)) != RSG_OK)
		return e;
	if (rsg_secret_equal(mac, stored, sizeof(mac)) &&
	    get_definition(definition, len, m) == RSG_OK)
		return RSG_OK;
tampered:
	rsg_log(RSG_LOG_ERROR, "record.tampered", "what", RSG_LOG_S, "model",
	    "model", RSG_LOG_ID, &m->id, NULL);
	return RSG_TAMPERED;
}

enum rsg_err
rsg_model_load(struct rsg_worker *w, const struct rsg_id *id, uint32_t controller,
    struct rsg_model *m)
{
	struct rsg_bind *b = rsg_db_bind(w->db, RSG_SQL_MODEL);
	const struct rsg_result *r;
	enum rsg_err e;
	int at;

	rsg_bind_id(b, 0, id);
	at = rsg_db_send(w->db, b);
	if ((e = rsg_db_commit(w->db)) != RSG_OK)
		return e;
	r = rsg_db_result(w->db, at);
	if (rsg_result_rows(r) != 1)
		return RSG_NOT_FOUND;
	if ((e = rsg_model_get(w->vault->keys, r, 0, m)) != RSG_OK)
		return e;
	return m->controller == controller ? RSG_OK : RSG_NOT_FOUND;
}

enum rsg_err
rsg_model_stage(struct rsg_worker *w, const struct rsg_model *m)
{
	uint8_t mac[RSG_DIGEST_LEN];
	struct rsg_buf definition;
	struct rsg_bind *b;
	enum rsg_err e;

	rsg_buf_init(&definition, DEFINITION_MAX);
	rsg_model_put(m, &definition);
	if ((e = rsg_buf_err(&definition)) != RSG_OK || (e = mac_of(w->vault->keys,
	    m, definition.p, definition.len, mac)) != RSG_OK)
		goto done;
	b = rsg_db_bind(w->db, RSG_SQL_MODEL_INSERT);
	rsg_bind_id(b, 0, &m->id);
	rsg_bind_int(b, 1, m->controller);
	rsg_bind_int(b, 2, m->created);
	rsg_bind_bytes(b, 3, definition.p, definition.len);
	rsg_bind_bytes(b, 4, mac, sizeof(mac));
	(void)rsg_db_send(w->db, b);
done:
	rsg_buf_free(&definition);
	return e;
}
