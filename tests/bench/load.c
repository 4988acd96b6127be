/*
 * load.c - a load generator: kept-alive TLS connections, one thread.
 *
 *	bench_load --port N --ca FILE [--host 127.0.0.1] [--connections 64]
 *	    [--seconds 10 | --requests N] [--warmup 1] [--header 'Name: value']...
 *	    [--targets FILE] [GET /target]...
 *
 * Each line of FILE is a request: METHOD, a blank, the target and, after a
 * TAB, a JSON body. "METHOD target" may also stand on the command line. Each
 * connection sends a random one, reads the answer, sends the next. Prints one
 * JSON object: requests a second, p50 and p99 in microseconds, and how often
 * each status came. Statuses other than 2xx and lost connections are errors,
 * and so is the exit status when there were any.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../dice.h"
#include "resguardo/clock.h"

#define ANSWER_MAX	(16u * 1024 * 1024)
#define STATUSES	600
#define EVENTS		256

struct request {
	char *bytes;
	size_t len;
};

struct conn {
	SSL *ssl;
	const struct request *now;
	size_t sent;
	int64_t started;
	char *in;
	size_t have, cap, want;		/* want: 0 until the head is read */
	int status;
	bool joined;			/* the handshake is done */
	uint32_t events;
};

static struct {
	const char *host, *ca, *targets;
	int port, connections;
	double seconds, warmup;
	uint64_t most;
	char headers[4096];
} opt = { "127.0.0.1", NULL, NULL, 0, 64, 10, 1, 0, "" };

static struct request *requests;
static size_t n_requests;
static uint32_t *samples;
static size_t n_samples, cap_samples;
static uint64_t by_status[STATUSES], lost, answered, bytes_in;
static bool counting;
static int epfd;
static SSL_CTX *tls;
static uint64_t seed = 88172645463325252u;

static void
die(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(2);
}

/* xorshift: only which request comes next depends on it. */
static uint64_t
next_random(void)
{
	return dice_throw(&seed);
}

static void
add_request(char *line)
{
	char *target = strchr(line, ' '), *body;
	size_t len;
	int n;

	if (target == NULL)
		die("a request needs a method and a target");
	*target++ = '\0';
	if ((body = strchr(target, '\t')) != NULL)
		*body++ = '\0';
	requests = realloc(requests, (n_requests + 1) * sizeof(*requests));
	len = strlen(line) + strlen(target) + strlen(opt.headers) + 256 +
	    (body != NULL ? strlen(body) : 0);
	if (requests == NULL || (requests[n_requests].bytes = malloc(len)) == NULL)
		die("no memory");
	if (body != NULL)
		n = snprintf(requests[n_requests].bytes, len, "%s %s HTTP/1.1\r\n"
		    "Host: %s\r\n%sContent-Type: application/json\r\n"
		    "Content-Length: %zu\r\n\r\n%s", line, target, opt.host,
		    opt.headers, strlen(body), body);
	else
		n = snprintf(requests[n_requests].bytes, len, "%s %s HTTP/1.1\r\n"
		    "Host: %s\r\n%s\r\n", line, target, opt.host, opt.headers);
	requests[n_requests++].len = (size_t)n;
}

static void
read_targets(void)
{
	FILE *f = fopen(opt.targets, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (f == NULL)
		die("cannot read the file of targets");
	while ((n = getline(&line, &cap, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line[0] != '\0')
			add_request(line);
	}
	free(line);
	fclose(f);
}

static int
dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)opt.port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || inet_pton(AF_INET, opt.host, &a.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		die("cannot connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
watch(struct conn *c, uint32_t events, int how)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (how == EPOLL_CTL_MOD && c->events == events)
		return;
	c->events = events;
	if (epoll_ctl(epfd, how, SSL_get_fd(c->ssl), &e) != 0)
		die("epoll_ctl");
}

static void
open_conn(struct conn *c)
{
	int fd = dial();

	c->ssl = SSL_new(tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1 ||
	    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), opt.host) != 1)
		die("SSL_new");
	SSL_set_connect_state(c->ssl);
	c->joined = false;
	watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void
reopen_conn(struct conn *c)
{
	int fd = SSL_get_fd(c->ssl);

	if (!c->joined)
		die("the handshake failed: is the CA the server's?");
	if (counting)
		lost++;
	SSL_free(c->ssl);
	close(fd);
	ERR_clear_error();
	open_conn(c);
}

static void
next_request(struct conn *c)
{
	c->now = &requests[next_random() % n_requests];
	c->sent = c->have = c->want = 0;
	c->started = rsg_clock_mono();
}

static void
count(struct conn *c)
{
	int64_t us = rsg_clock_mono() - c->started;

	answered++;
	if (!counting)
		return;
	by_status[c->status % STATUSES]++;
	if (n_samples == cap_samples) {
		cap_samples = cap_samples ? cap_samples * 2 : 1 << 16;
		samples = realloc(samples, cap_samples * sizeof(*samples));
		if (samples == NULL)
			die("no memory");
	}
	samples[n_samples++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* Is the answer whole? Finds its length first. */
static bool
whole(struct conn *c)
{
	const char *end, *length;

	if (c->want == 0) {
		c->in[c->have] = '\0';
		if ((end = strstr(c->in, "\r\n\r\n")) == NULL)
			return false;
		c->status = atoi(c->in + 9);
		length = strcasestr(c->in, "\r\nContent-Length:");
		c->want = (size_t)(end + 4 - c->in);
		if (length != NULL && length < end)
			c->want += strtoul(length + 17, NULL, 10);
	}
	return c->have >= c->want;
}

static void
make_room(struct conn *c)
{
	if (c->cap - c->have > 4096)
		return;
	c->cap = c->cap ? c->cap * 2 : 16384;
	if (c->cap > ANSWER_MAX || (c->in = realloc(c->in, c->cap)) == NULL)
		die("an answer is too large");
}

/* Send, read, send the next, until the socket would block. */
static void
serve(struct conn *c)
{
	int n;

	if (!c->joined) {
		if ((n = SSL_do_handshake(c->ssl)) != 1) {
			n = SSL_get_error(c->ssl, n);
			if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
				die("the handshake failed: is the CA the server's?");
			watch(c, n == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT,
			    EPOLL_CTL_MOD);
			return;
		}
		c->joined = true;
		next_request(c);
	}
	for (;;) {
		if (c->sent < c->now->len) {
			n = SSL_write(c->ssl, c->now->bytes + c->sent,
			    (int)(c->now->len - c->sent));
			if (n > 0)
				c->sent += (size_t)n;
		} else {
			make_room(c);
			n = SSL_read(c->ssl, c->in + c->have,
			    (int)(c->cap - c->have - 1));
			if (n > 0) {
				c->have += (size_t)n;
				bytes_in += (uint64_t)n;
				if (whole(c)) {
					count(c);
					next_request(c);
				}
				continue;
			}
		}
		if (n > 0)
			continue;
		n = SSL_get_error(c->ssl, n);
		if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE) {
			reopen_conn(c);
			return;
		}
		watch(c, n == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT,
		    EPOLL_CTL_MOD);
		return;
	}
}

static int
ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t
percentile(double p)
{
	return n_samples == 0 ? 0 :
	    samples[(size_t)(p * (double)(n_samples - 1))];
}

static int
report(int64_t us)
{
	uint64_t bad = lost;
	const char *comma = "";

	qsort(samples, n_samples, sizeof(*samples), ascending);
	printf("{\"rate\":%.1f,\"requests\":%zu,\"seconds\":%.3f,"
	    "\"connections\":%d,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u,"
	    "\"bytes_in\":%llu,\"lost\":%llu,\"status\":{",
	    (double)n_samples * 1e6 / (double)us, n_samples, (double)us / 1e6,
	    opt.connections, percentile(0.5), percentile(0.99), percentile(1),
	    (unsigned long long)bytes_in, (unsigned long long)lost);
	for (int i = 0; i < STATUSES; i++) {
		if (by_status[i] == 0)
			continue;
		printf("%s\"%d\":%llu", comma, i, (unsigned long long)by_status[i]);
		comma = ",";
		if (i < 200 || i > 299)
			bad += by_status[i];
	}
	printf("},\"errors\":%llu}\n", (unsigned long long)bad);
	return bad > 0;
}

static void
read_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "host", 1, NULL, 'h' }, { "port", 1, NULL, 'p' },
		{ "ca", 1, NULL, 'a' }, { "connections", 1, NULL, 'c' },
		{ "seconds", 1, NULL, 's' }, { "requests", 1, NULL, 'n' },
		{ "warmup", 1, NULL, 'w' }, { "header", 1, NULL, 'H' },
		{ "targets", 1, NULL, 't' }, { "seed", 1, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	size_t len;
	int o;

	while ((o = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (o) {
		case 'h': opt.host = optarg; break;
		case 'p': opt.port = atoi(optarg); break;
		case 'a': opt.ca = optarg; break;
		case 'c': opt.connections = atoi(optarg); break;
		case 's': opt.seconds = atof(optarg); break;
		case 'n': opt.most = strtoull(optarg, NULL, 10); break;
		case 'w': opt.warmup = atof(optarg); break;
		case 't': opt.targets = optarg; break;
		case 'r': seed ^= strtoull(optarg, NULL, 10); break;
		case 'H':
			len = strlen(opt.headers);
			(void)snprintf(opt.headers + len,
			    sizeof(opt.headers) - len, "%s\r\n", optarg);
			break;
		default:
			die("see the comment at the top of tests/bench/load.c");
		}
	for (; optind < argc; optind++)
		add_request(argv[optind]);
	if (opt.targets != NULL)
		read_targets();
	if (opt.port == 0 || opt.ca == NULL || n_requests == 0 ||
	    opt.connections < 1)
		die("--port, --ca and at least one request are needed");
}

static int64_t
run(struct conn *conns)
{
	struct epoll_event e[EVENTS];
	int64_t now = rsg_clock_mono(), begun = now + (int64_t)(opt.warmup * 1e6);
	int64_t end = begun + (int64_t)(opt.seconds * 1e6);
	int n;

	for (int i = 0; i < opt.connections; i++)
		open_conn(&conns[i]);
	for (;;) {
		now = rsg_clock_mono();
		if (!counting && now >= begun) {
			counting = true;
			begun = now;
			bytes_in = 0;
		}
		if (opt.most > 0 ? n_samples >= opt.most : now >= end)
			return now - begun;
		n = epoll_wait(epfd, e, EVENTS, 100);
		for (int i = 0; i < n; i++)
			serve(e[i].data.ptr);
	}
}

int
main(int argc, char **argv)
{
	struct conn *conns;

	read_options(argc, argv);
	tls = SSL_CTX_new(TLS_client_method());
	conns = calloc((size_t)opt.connections, sizeof(*conns));
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (tls == NULL || conns == NULL || epfd < 0)
		die("no memory");
	if (SSL_CTX_load_verify_locations(tls, opt.ca, NULL) != 1)
		die("cannot read the CA file");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	/* Head and body of a record with one read. */
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return report(run(conns));
}
