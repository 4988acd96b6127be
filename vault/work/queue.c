#include <pthread.h>
#include <stdlib.h>

#include "ops/ops.h"
#include "work/queue.h"

struct lane {
	struct rsg_call *first, **last;
	size_t n;
	pthread_cond_t some;
};

struct rsg_queue {
	pthread_mutex_t lock;
	bool closed;
	struct lane lane[RSG_LANE__MAX];
};

struct rsg_queue *
rsg_queue_new(void)
{
	struct rsg_queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	pthread_mutex_init(&q->lock, NULL);
	for (size_t i = 0; i < RSG_LANE__MAX; i++) {
		q->lane[i].last = &q->lane[i].first;
		pthread_cond_init(&q->lane[i].some, NULL);
	}
	return q;
}

void
rsg_queue_free(struct rsg_queue *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < RSG_LANE__MAX; i++)
		pthread_cond_destroy(&q->lane[i].some);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

bool
rsg_queue_put(struct rsg_queue *q, enum rsg_lane which, struct rsg_call *c)
{
	struct lane *l = &q->lane[which];
	bool ok;

	pthread_mutex_lock(&q->lock);
	ok = !q->closed && l->n < RSG_QUEUE_MAX;
	if (ok) {
		c->next = NULL;
		*l->last = c;
		l->last = &c->next;
		l->n++;
		pthread_cond_signal(&l->some);
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

void
rsg_queue_back(struct rsg_queue *q, enum rsg_lane which, struct rsg_call *c)
{
	struct lane *l = &q->lane[which];

	pthread_mutex_lock(&q->lock);
	c->next = l->first;
	if (l->first == NULL)
		l->last = &c->next;
	l->first = c;
	l->n++;
	pthread_cond_signal(&l->some);
	pthread_mutex_unlock(&q->lock);
}

/* Unlink the call at *at. */
static struct rsg_call *
unlink_call(struct lane *l, struct rsg_call **at)
{
	struct rsg_call *c = *at;

	*at = c->next;
	if (*at == NULL)
		l->last = at;
	c->next = NULL;
	l->n--;
	return c;
}

size_t
rsg_queue_take(struct rsg_queue *q, enum rsg_lane which, struct rsg_call **out,
    size_t max)
{
	struct lane *l = &q->lane[which];
	struct rsg_call **at;
	enum rsg_mode mode;
	size_t n = 0, bytes;

	pthread_mutex_lock(&q->lock);
	while (l->first == NULL && !q->closed)
		pthread_cond_wait(&l->some, &q->lock);
	if (l->first == NULL)
		goto done;
	mode = rsg_ops_mode(l->first);
	bytes = l->first->nbytes;
	out[n++] = unlink_call(l, &l->first);
	if (mode == RSG_MODE_SOLO)
		goto done;
	for (at = &l->first; *at != NULL && n < max; ) {
		if (rsg_ops_mode(*at) != mode ||
		    bytes + (*at)->nbytes > RSG_BATCH_BYTES) {
			at = &(*at)->next;
			continue;
		}
		bytes += (*at)->nbytes;
		out[n++] = unlink_call(l, at);
	}
done:
	pthread_mutex_unlock(&q->lock);
	return n;
}

void
rsg_queue_close(struct rsg_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	for (size_t i = 0; i < RSG_LANE__MAX; i++)
		pthread_cond_broadcast(&q->lane[i].some);
	pthread_mutex_unlock(&q->lock);
}

size_t
rsg_queue_waiting(struct rsg_queue *q)
{
	size_t n = 0;

	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < RSG_LANE__MAX; i++)
		n += q->lane[i].n;
	pthread_mutex_unlock(&q->lock);
	return n;
}
