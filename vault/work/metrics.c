#include <stdatomic.h>

#include "audit/health.h"
#include "resguardo/clock.h"
#include "segment/scan.h"
#include "work/auth.h"
#include "work/metrics.h"

static _Atomic int64_t batches, batched, entries, overdue, unanswered;
static _Atomic int64_t answered[RSG_OP__MAX][2];	/* ok, failed */

void
rsg_metrics_batch(size_t calls)
{
	atomic_fetch_add(&batches, 1);
	atomic_fetch_add(&batched, (int64_t)calls);
}

void
rsg_metrics_call(const struct rsg_call *c)
{
	atomic_fetch_add(&answered[c->op][c->status != RSG_OK], 1);
}

void
rsg_metrics_overdue(int64_t promises, int64_t questions)
{
	atomic_store(&overdue, promises);
	atomic_store(&unanswered, questions);
}

void
rsg_metrics_audit(size_t n)
{
	atomic_fetch_add(&entries, (int64_t)n);
}

static void
one(struct rsg_buf *b, const char *name, const char *type, const char *help, int64_t v)
{
	rsg_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help,
	    name, type, name, (long long)v);
}

static void
log_text(struct rsg_buf *b)
{
	int64_t now = rsg_clock_mono();
	struct rsg_health h;

	rsg_health_get(now, &h);
	one(b, "resguardo_log_size", "gauge", "Entries in the log.", (int64_t)h.size);
	one(b, "resguardo_log_signed_size", "gauge",
	    "Entries under the last checkpoint.", (int64_t)h.signed_size);
	one(b, "resguardo_log_waiting", "gauge",
	    "Entries committed and not in the log yet.", h.waiting);
	one(b, "resguardo_log_oldest_seconds", "gauge",
	    "How long the oldest of them has waited.", h.age_us / RSG_US);
	one(b, "resguardo_log_checkpoint_seconds", "gauge",
	    "Since when no checkpoint covered all there was.", h.unsigned_us / RSG_US);
	one(b, "resguardo_log_late", "gauge",
	    "1: half way to closing the server.", rsg_health_closed(now, true) != NULL);
	one(b, "resguardo_log_closed", "gauge",
	    "1: the server refuses to work because of its log.",
	    rsg_health_closed(now, false) != NULL);
}

void
rsg_metrics_text(struct rsg_buf *b, size_t waiting)
{
	struct rsg_scan_figures scan;

	one(b, "resguardo_vault_batches_total", "counter",
	    "Transactions that served requests.", atomic_load(&batches));
	one(b, "resguardo_vault_batched_calls_total", "counter",
	    "Requests served in them.", atomic_load(&batched));
	one(b, "resguardo_vault_audit_entries_total", "counter",
	    "Audit entries sent to the database.", atomic_load(&entries));
	one(b, "resguardo_vault_auth_failures_total", "counter",
	    "Requests without a valid credential.", rsg_auth_failures());
	rsg_scan_figures(&scan);
	one(b, "resguardo_vault_scans_running", "gauge",
	    "Scans over all customers that are under way.", (int64_t)scan.running);
	one(b, "resguardo_vault_scanned_rows_total", "counter",
	    "Rows that scans have read: of people and of their histories.",
	    (int64_t)scan.rows);
	one(b, "resguardo_vault_scanned_blocks_total", "counter",
	    "Blocks of the table of people that scans have read.", (int64_t)scan.blocks);
	one(b, "resguardo_vault_scans_blocks", "gauge",
	    "Blocks that the scans under way have to read in all.",
	    (int64_t)scan.blocks_of_running);
	one(b, "resguardo_vault_queue_waiting", "gauge",
	    "Requests that wait for a worker.", (int64_t)waiting);
	log_text(b);
	one(b, "resguardo_vault_promises_overdue", "gauge",
	    "Benefits promised and not delivered in time.", atomic_load(&overdue));
	one(b, "resguardo_vault_questions_overdue", "gauge",
	    "Questions of people not answered in time.", atomic_load(&unanswered));
	rsg_buf_str(b, "# HELP resguardo_vault_calls_total Requests answered, by operation.\n"
	    "# TYPE resguardo_vault_calls_total counter\n");
	for (int op = 0; op < RSG_OP__MAX; op++)
		for (int failed = 0; failed < 2; failed++) {
			int64_t n = atomic_load(&answered[op][failed]);

			if (n > 0)
				rsg_buf_printf(b, "resguardo_vault_calls_total"
				    "{op=\"%s\",result=\"%s\"} %lld\n",
				    rsg_msg_op((enum rsg_op)op)->name,
				    failed ? "failed" : "ok", (long long)n);
		}
}
