#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/rejects.h"
#include "cli/tell.h"

#define HEADER	"line,reason,member\n"

static int
by_line(const void *a, const void *b)
{
	const struct rsg_reject *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static void
count(struct rsg_rejects *r, const struct rsg_reject *one)
{
	size_t i;

	for (i = 0; i < r->ntally; i++)
		if (strcmp(r->tally[i].reason, one->reason) == 0 &&
		    strcmp(r->tally[i].member, one->member) == 0)
			break;
	if (i == RSG_REJECTS_REASONS) {
		r->others++;
		return;
	}
	if (i == r->ntally) {
		memcpy(r->tally[i].reason, one->reason, sizeof(one->reason));
		memcpy(r->tally[i].member, one->member, sizeof(one->member));
		r->ntally++;
	}
	r->tally[i].n++;
}

/* Count what an earlier run wrote, so that the tally is of the whole file. */
static void
recount(struct rsg_rejects *r)
{
	struct rsg_reject one;
	char line[256];

	rewind(r->file);
	while (ftell(r->file) < r->bytes && fgets(line, sizeof(line), r->file) != NULL) {
		memset(&one, 0, sizeof(one));
		if (sscanf(line, "%" SCNd64 ",%63[^,],%127[^\n]", &one.line, one.reason,
		    one.member) >= 2)
			count(r, &one);
	}
	fseek(r->file, r->bytes, SEEK_SET);
}

enum rsg_err
rsg_rejects_open(struct rsg_rejects *r, const char *path, int64_t keep)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	memset(r, 0, sizeof(*r));
	if (fd < 0 || ftruncate(fd, keep) != 0 || lseek(fd, keep, SEEK_SET) < 0 ||
	    (r->file = fdopen(fd, "r+")) == NULL) {
		rsg_tell_errno("cannot write %s", path);
		if (fd >= 0)
			close(fd);
		return RSG_IO;
	}
	r->bytes = keep;
	if (keep > 0) {
		recount(r);
		return RSG_OK;
	}
	fputs(HEADER, r->file);
	r->bytes = (int64_t)strlen(HEADER);
	return RSG_OK;
}

enum rsg_err
rsg_rejects_put(struct rsg_rejects *r, struct rsg_reject *list, size_t n)
{
	int written;

	if (n > 1)
		qsort(list, n, sizeof(*list), by_line);
	for (size_t i = 0; i < n; i++) {
		count(r, &list[i]);
		written = fprintf(r->file, "%lld,%s,%s\n", (long long)list[i].line,
		    list[i].reason, list[i].member);
		if (written < 0) {
			rsg_tell_errno("cannot write the rejected lines");
			return RSG_IO;
		}
		r->bytes += written;
	}
	return RSG_OK;
}

enum rsg_err
rsg_rejects_sync(struct rsg_rejects *r)
{
	if (fflush(r->file) == 0 && fsync(fileno(r->file)) == 0)
		return RSG_OK;
	rsg_tell_errno("cannot write the rejected lines");
	return RSG_IO;
}

void
rsg_rejects_tell(struct rsg_rejects *r)
{
	size_t most;

	for (size_t told = 0; told < r->ntally; told++) {
		most = 0;
		for (size_t i = 1; i < r->ntally; i++)
			if (r->tally[i].n > r->tally[most].n)
				most = i;
		printf("  %10lld  %s%s%s\n", (long long)r->tally[most].n,
		    r->tally[most].reason, r->tally[most].member[0] != '\0' ?
		    ": " : "", r->tally[most].member);
		r->tally[most].n = -1;
	}
	if (r->others > 0)
		printf("  %10lld  for other reasons\n", (long long)r->others);
}

void
rsg_rejects_close(struct rsg_rejects *r)
{
	if (r->file != NULL)
		fclose(r->file);
	r->file = NULL;
}
