#include "http/metrics.h"

#include <inttypes.h>

#define STATUSES	500	/* 100 to 599 */
#define ROUTES		(RSG_ROUTE__MAX + 1)	/* the last: no route */

/* Upper ends in microseconds; one more bucket takes the rest. */
static const int64_t ends[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 1000000, 5000000 };
#define BUCKETS	(sizeof(ends) / sizeof(*ends) + 1)

static struct {
	uint64_t requests[ROUTES][STATUSES];
	uint64_t duration[ROUTES][BUCKETS];
	uint64_t micros[ROUTES];
	uint64_t in, out, connections, slow, reads, calls;
} m;

void
rsg_metrics_request(const struct rsg_route *r, int status, int64_t us,
    size_t in, size_t out)
{
	size_t at = r != NULL ? (size_t)(r - rsg_router_table) : RSG_ROUTE__MAX;
	size_t bucket = 0;

	if (status >= 100 && status < 100 + STATUSES)
		m.requests[at][status - 100]++;
	while (bucket < BUCKETS - 1 && us > ends[bucket])
		bucket++;
	m.duration[at][bucket]++;
	m.micros[at] += (uint64_t)us;
	m.in += in;
	m.out += out;
}

void
rsg_metrics_connection(void)
{
	m.connections++;
}

void
rsg_metrics_slow(void)
{
	m.slow++;
}

void
rsg_metrics_batch(size_t calls)
{
	m.reads++;
	m.calls += calls;
}

static void
put_labels(struct rsg_buf *b, size_t route)
{
	const struct rsg_route *r = &rsg_router_table[route];

	if (route == RSG_ROUTE__MAX)
		rsg_buf_str(b, "method=\"\",route=\"none\"");
	else
		rsg_buf_printf(b, "method=\"%s\",route=\"%s\"",
		    rsg_router_method_text(r->method), r->path);
}

static void
put_requests(struct rsg_buf *b, size_t route)
{
	for (size_t s = 0; s < STATUSES; s++) {
		if (m.requests[route][s] == 0)
			continue;
		rsg_buf_str(b, "resguardo_http_requests_total{");
		put_labels(b, route);
		rsg_buf_printf(b, ",status=\"%zu\"} %" PRIu64 "\n", s + 100,
		    m.requests[route][s]);
	}
}

static void
put_duration(struct rsg_buf *b, size_t route)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		sum += m.duration[route][i];
		rsg_buf_str(b, "resguardo_http_duration_seconds_bucket{");
		put_labels(b, route);
		if (i < BUCKETS - 1)
			rsg_buf_printf(b, ",le=\"%g\"} %" PRIu64 "\n",
			    (double)ends[i] / 1e6, sum);
		else
			rsg_buf_printf(b, ",le=\"+Inf\"} %" PRIu64 "\n", sum);
	}
	rsg_buf_str(b, "resguardo_http_duration_seconds_sum{");
	put_labels(b, route);
	rsg_buf_printf(b, "} %.6f\n", (double)m.micros[route] / 1e6);
	rsg_buf_str(b, "resguardo_http_duration_seconds_count{");
	put_labels(b, route);
	rsg_buf_printf(b, "} %" PRIu64 "\n", sum);
}

static bool
used(size_t route)
{
	for (size_t i = 0; i < BUCKETS; i++)
		if (m.duration[route][i] != 0)
			return true;
	return false;
}

static void
put_number(struct rsg_buf *b, const char *name, const char *type,
    const char *help, uint64_t value)
{
	rsg_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name,
	    help, name, type, name, value);
}

static void
put_routes(struct rsg_buf *b)
{
	rsg_buf_str(b, "# HELP resguardo_http_requests_total "
	    "Requests answered, by route and status.\n"
	    "# TYPE resguardo_http_requests_total counter\n");
	for (size_t r = 0; r < ROUTES; r++)
		put_requests(b, r);
	rsg_buf_str(b, "# HELP resguardo_http_duration_seconds "
	    "From a request's first line to the end of its answer.\n"
	    "# TYPE resguardo_http_duration_seconds histogram\n");
	for (size_t r = 0; r < ROUTES; r++)
		if (used(r))
			put_duration(b, r);
}

void
rsg_metrics_text(struct rsg_buf *b, const struct rsg_gauges *g)
{
	put_routes(b);
	put_number(b, "resguardo_http_request_bytes_total", "counter",
	    "Bytes of request bodies.", m.in);
	put_number(b, "resguardo_http_response_bytes_total", "counter",
	    "Bytes of answer bodies.", m.out);
	put_number(b, "resguardo_http_connections_total", "counter",
	    "Connections accepted.", m.connections);
	put_number(b, "resguardo_http_slow_total", "counter",
	    "Connections closed for being too slow.", m.slow);
	put_number(b, "resguardo_http_connections", "gauge",
	    "Connections open.", (uint64_t)g->connections);
	put_number(b, "resguardo_vault_waiting", "gauge",
	    "Calls the vault process has not answered.", (uint64_t)g->waiting);
	put_number(b, "resguardo_http_body_bytes", "gauge",
	    "Bytes of request bodies in memory.", (uint64_t)g->bodies);
	put_number(b, "resguardo_vault_replies_total", "counter",
	    "Replies of the vault process.", m.calls);
	put_number(b, "resguardo_vault_reads_total", "counter",
	    "Reads that brought replies.", m.reads);
}
