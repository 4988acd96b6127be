/*
 * model.h - score limits fitted to a population at one moment, kept for good.
 *
 * A model is a row with a MAC: the limits, and all that they depend on. Who
 * is scored by it later, or was nobody's customer then, is scored by the same
 * criteria. docs/FORMAT.md, "Model".
 */
#ifndef RSG_MODEL_H
#define RSG_MODEL_H

#include "segment/cells.h"
#include "segment/rfm.h"
#include "work/call.h"

#define RSG_MODEL_K	10	/* where the policy names no least group */

struct rsg_model {
	struct rsg_id id;
	uint32_t controller;
	int64_t created;
	uint16_t purpose;
	struct rsg_rfm_window window;
	char zone[64], currency[4];
	uint64_t population;
	struct rsg_rfm_cuts cuts;
	struct rsg_cells cells;
};

void rsg_model_put(const struct rsg_model *, struct rsg_buf *definition);

/* RSG_TAMPERED when the definition is malformed or the MAC does not fit. */
RSG_MUST enum rsg_err rsg_model_get(const struct rsg_keyring *,
    const struct rsg_result *, int row, struct rsg_model *);

/*
 * Load one, in a transaction of its own. RSG_NOT_FOUND: there is none, or it
 * is another controller's.
 */
RSG_MUST enum rsg_err rsg_model_load(struct rsg_worker *, const struct rsg_id *,
    uint32_t controller, struct rsg_model *);

/* Stage its row in the transaction that is open on w->db. */
RSG_MUST enum rsg_err rsg_model_stage(struct rsg_worker *, const struct rsg_model *);

/* The least group that an answer of the policy obliges to. */
uint32_t rsg_model_k(const struct rsg_answer *);

rsg_solo_fn rsg_op_model_fit, rsg_op_model_list, rsg_op_model_show,
    rsg_op_segment_list;

#endif
