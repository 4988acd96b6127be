/*
 * integrate.h - from audit entries to a signed log.
 *
 * The order is fixed: what is stored rehashes to its hash; tiles and bundles
 * are durable; size and root advance in the database, by compare and swap;
 * the new tree is consistent with the last one signed; sign; keep the
 * checkpoint outside the database; publish. Whatever is cut off in between,
 * the next round finds and goes on from.
 *
 *	STATE/log/	tiles, bundles, checkpoint: what anyone may read
 *	STATE/keys/	log.key, last-checkpoint
 */
#ifndef RSG_INTEGRATE_H
#define RSG_INTEGRATE_H

#include "audit/logdir.h"
#include "audit/note.h"
#include "store/store.h"

#define RSG_INTEGRATE_MAX	4096	/* entries a round */

struct rsg_integrator;

/*
 * Open a connection, the folders and the key of STATE; the first time, make
 * the key. RSG_CONFIG, also when a log was begun with a key that is not here
 * (logged); RSG_IO, RSG_UNAVAILABLE.
 */
RSG_MUST enum rsg_err rsg_integrate_open(const char *conninfo,
    const char *state, struct rsg_integrator **);
void rsg_integrate_close(struct rsg_integrator *);

/* The one entry that may end this log or begin it (rotate.h): every other that
 * says it does is taken for forged. */
void rsg_integrate_expect(struct rsg_integrator *, const struct rsg_id *);

/*
 * One round; *done is how many entries it took. RSG_TAMPERED when the log may
 * not go on (health.h has the clause); RSG_IO, RSG_UNAVAILABLE: try again.
 */
RSG_MUST enum rsg_err rsg_integrate_step(struct rsg_integrator *, size_t *done);

/* A thread that does so every second, at once while there is more. */
RSG_MUST enum rsg_err rsg_integrate_start(struct rsg_integrator *);
void rsg_integrate_stop(struct rsg_integrator *);	/* after one last round */

/* The log's number in the database, of its key. */
int64_t rsg_integrate_number(const struct rsg_vkey *);

#endif
