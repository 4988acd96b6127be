/*
 * spare.c - see spare.h. PostgreSQL may end a kept connection at any time (a
 * restart, an administrator): that is found at its first statement, which
 * changes nothing and is simply run again on a new one.
 */
#include "store/spare.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "resguardo/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rsg__spare *spare[RSG__SPARES];

static void
spare_close(struct rsg__spare *s)
{
	PQfinish(s->conn);
	free(s);
}

static struct rsg__spare *
take_kept(const char *conninfo)
{
	struct rsg__spare *s = NULL;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < RSG__SPARES && s == NULL; i++)
		if (spare[i] != NULL && strcmp(spare[i]->conninfo, conninfo) == 0) {
			s = spare[i];
			spare[i] = NULL;
		}
	pthread_mutex_unlock(&lock);
	return s;
}

static struct rsg__spare *
spare_new(const char *conninfo)
{
	size_t len = strlen(conninfo) + 1;
	struct rsg__spare *s;

	if ((s = calloc(1, sizeof(*s) + len)) == NULL)
		return NULL;
	memcpy(s->conninfo, conninfo, len);
	if ((s->conn = rsg__link_open(conninfo, "resguardo scan")) == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
rsg__spare_give(struct rsg__spare *s)
{
	if (s == NULL)
		return;
	if (PQtransactionStatus(s->conn) == PQTRANS_INTRANS)
		PQclear(rsg__link_query(s->conn, "COMMIT", RSG__LINK_WAIT));
	if (PQtransactionStatus(s->conn) == PQTRANS_IDLE) {
		s->kept = true;
		pthread_mutex_lock(&lock);
		for (size_t i = 0; i < RSG__SPARES && s != NULL; i++)
			if (spare[i] == NULL) {
				spare[i] = s;
				s = NULL;
			}
		pthread_mutex_unlock(&lock);
	}
	if (s != NULL)
		spare_close(s);
}

enum rsg_err
rsg__spare_begin(const char *conninfo, const char *name, const char *sql,
    struct rsg__spare **out, PGresult **answer)
{
	struct rsg__spare *s;
	struct rsg__fault fault;
	PGresult *res;
	bool kept;

	*out = NULL;
	*answer = NULL;
	for (;;) {
		if ((s = take_kept(conninfo)) == NULL &&
		    (s = spare_new(conninfo)) == NULL)
			return RSG_UNAVAILABLE;
		res = rsg__link_query(s->conn, sql, RSG__LINK_WAIT);
		if (PQresultStatus(res) == PGRES_COMMAND_OK ||
		    PQresultStatus(res) == PGRES_TUPLES_OK) {
			*out = s;
			*answer = res;
			return RSG_OK;
		}
		fault = rsg__link_fault(res);
		kept = s->kept;
		spare_close(s);
		if (!kept || !fault.reset)
			break;
		PQclear(res);
	}
	rsg_log(RSG_LOG_WARN, "db.error", "statement", RSG_LOG_S, name,
	    "sqlstate", RSG_LOG_S, rsg__link_state(res), NULL);
	PQclear(res);
	return fault.err;
}
