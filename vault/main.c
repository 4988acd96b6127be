/*
 * The process with the keys. The supervisor starts it with:
 *
 *	fd 3	its control socket (channels to the api process arrive here)
 *	fd 4	the listening admin socket
 *	RSG_STATE, RSG_DATABASE, RSG_POLICIES, RSG_DEMO in the environment
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/integrate.h"
#include "ops/ops.h"
#include "resguardo/json.h"
#include "resguardo/log.h"
#include "resguardo/secret.h"
#include "work/link.h"
#include "segment/ranges.h"
#include "work/vault.h"
#include "work/worker.h"

#define FD_CONTROL	3
#define FD_ADMIN	4
#define WORKERS		2	/* on each lane */
#define LOCKED_BYTES	(RSG_LANE__MAX * WORKERS * RSG_ARENA_BYTES + 1024 * 1024)

static struct rsg_queue *queue;
static struct rsg_link *link_;

/* Every request goes to the lane of its mode; a full lane says so at once. */
static void
take(void *ctx, struct rsg_call *c)
{
	enum rsg_mode mode = rsg_ops_get(c->op)->mode;
	enum rsg_lane lane = rsg_msg_op(c->op)->sockets & RSG_CALL_LONG ? RSG_LANE_LONG :
	    mode == RSG_MODE_SOLO || c->socket == RSG_SOCKET_ADMIN ? RSG_LANE_SOLO :
	    RSG_LANE_BATCH;

	(void)ctx;
	if (mode == RSG_MODE_FREE)
		rsg_ops_free(queue, c);
	else if (rsg_queue_put(queue, lane, c))
		return;
	else
		rsg_call_fail(c, RSG_BUSY, NULL, NULL);
	rsg_link_answer(link_, &c, 1);
}

static enum rsg_err
boot(struct rsg_vault *v)
{
	struct rsg_db *db = NULL;
	char path[600];
	const char *state = getenv("RSG_STATE"), *conn = getenv("RSG_DATABASE");
	enum rsg_err e;

	if (state == NULL || conn == NULL) {
		rsg_log(RSG_LOG_ERROR, "environment.incomplete", NULL);
		return RSG_CONFIG;
	}
	snprintf(v->state, sizeof(v->state), "%s", state);
	snprintf(v->conninfo, sizeof(v->conninfo), "%s", conn);
	v->demo = getenv("RSG_DEMO") != NULL;
	pthread_rwlock_init(&v->lock, NULL);
	snprintf(path, sizeof(path), "%s/keys/root.key", v->state);
	if ((e = rsg_keyring_open(getenv("CREDENTIALS_DIRECTORY") != NULL ? NULL :
	    path, &v->keys)) != RSG_OK)
		return e;
	if ((e = rsg_db_open(v->conninfo, &db)) == RSG_OK)
		e = rsg_vault_boot(v, db, getenv("RSG_POLICIES"));
	rsg_db_close(db);
	return e;
}

int
main(void)
{
	static struct rsg_vault vault;
	struct rsg_pool *pool = NULL;
	struct rsg_integrator *log = NULL;
	enum rsg_err e;

	rsg_log_init("vault", RSG_LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);	/* the supervisor stops us in order */
	rsg_json_init();
	if (rsg_secret_init(LOCKED_BYTES) != RSG_OK || boot(&vault) != RSG_OK)
		return 1;
	if ((queue = rsg_queue_new()) == NULL ||
	    rsg_link_new(FD_CONTROL, FD_ADMIN, take, &vault, &link_) != RSG_OK)
		return 1;
	if ((e = rsg_integrate_open(vault.conninfo, vault.state, &log)) == RSG_OK &&
	    (e = rsg_integrate_start(log)) == RSG_OK)
		e = rsg_pool_start(&vault, queue, link_, (const int[RSG_LANE__MAX]){
		    WORKERS, WORKERS, WORKERS }, &pool);
	if (e == RSG_OK && write(FD_CONTROL, "R", 1) == 1) {
		rsg_log(RSG_LOG_INFO, "vault.ready", NULL);
		rsg_link_run(link_);
	}
	rsg_queue_close(queue);
	rsg_ranges_stop();
	rsg_pool_join(pool);
	rsg_integrate_stop(log);	/* after the last entries were written */
	rsg_integrate_close(log);
	rsg_link_free(link_);
	rsg_queue_free(queue);
	rsg_keyring_free(vault.keys);
	rsg_log(RSG_LOG_INFO, "vault.stopped", NULL);
	return e == RSG_OK ? 0 : 1;
}
