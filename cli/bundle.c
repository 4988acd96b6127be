/*
 * bundle.c - `resguardo audit verify --bundle`: who saw a customer's data, and
 * does it hold? It needs the bundle and the verifier key, and no server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/bundlecheck.h"
#include "cli/audit.h"
#include "resguardo/clock.h"
#include "resguardo/json.h"

static bool
read_file(const char *path, struct rsg_buf *b)
{
	bool in = strcmp(path, "-") == 0;
	int fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *room;
	ssize_t n = 1;

	if (fd < 0) {
		rsg_tell_errno("%s", path);
		return false;
	}
	while (n > 0 && (room = rsg_buf_room(b, 65536)) != NULL)
		if ((n = read(fd, room, 65536)) > 0)
			(void)rsg_buf_extend(b, (size_t)n);
	if (n < 0)
		rsg_tell_errno("%s", path);
	else if (!rsg_buf_ok(b))
		rsg_tell_error("%s is too large for a bundle", path);
	if (!in)
		close(fd);
	return n == 0 && rsg_buf_ok(b);
}

/* Texts of the file are shown without what would move the cursor. */
static void
say(void *ctx, bool wrong, const char *text)
{
	(void)ctx;
	if (wrong)
		fputs("WRONG ", stdout);
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		putchar(*p < 0x20 || *p == 0x7f || c1 ? '?' : *p);
		p += c1;
	}
	putchar('\n');
}

/* Progress of the log's own check is not worth a line. */
static void
say_wrong(void *ctx, bool wrong, const char *text)
{
	if (wrong)
		say(ctx, wrong, text);
}

static void
tell_result(const struct rsg_bundlecheck *b)
{
	char from[RSG_TIME_TEXT], to[RSG_TIME_TEXT], id[RSG_ID_TEXT];

	rsg_clock_text(b->from, from);
	rsg_clock_text(b->to, to);
	rsg_id_text(&b->subject, id);
	printf("ok    %s: %zu accesses from %s to %s, under %llu entries of %s\n", id,
	    b->accesses, from, to, (unsigned long long)b->now.size, b->now.origin);
	if (b->opened < b->accesses)
		printf("      %zu of them are of the first form, and are not opened\n",
		    b->accesses - b->opened);
	if (b->dir == NULL)
		printf("      that none is missing was not checked: give a copy of /log/\n");
	else
		printf("      none is missing on %zu whole days of %zu\n", b->whole, b->days);
}

/*
 * Does the copy verify, and does it continue what the bundle's checkpoint
 * signed? That one is known only once the bundle was read, so the bundle is
 * read before, without the copy.
 */
static enum rsg_err
verify_copy(struct rsg_bundlecheck *b, const char *dir)
{
	struct rsg_verify v = { .dir = dir, .key = b->key, .say = say_wrong,
	    .remembered = &b->now };
	enum rsg_err e;

	e = rsg_verify_run(&v);
	b->dir = dir;
	b->dir_size = v.now.size;
	rsg_buf_free(&v.note);
	rsg_buf_free(&v.before);
	return e;
}

enum rsg_exit
rsg_audit_bundle(const struct rsg_args *a)
{
	struct rsg_bundlecheck b = { .say = say };
	struct rsg_vkey key;
	struct rsg_buf file;
	enum rsg_err e;

	rsg_json_init();
	if (!rsg_audit_key_of(rsg_args_get(a, "key", ""), &key))
		return RSG_EXIT_FAILED;
	b.key = &key;
	rsg_buf_init(&file, RSG_AUDITBUNDLE_MAX);
	if (!read_file(rsg_args_get(a, "bundle", ""), &file)) {
		rsg_buf_free(&file);
		return RSG_EXIT_FAILED;
	}
	e = rsg_bundlecheck_run(&b, file.p, file.len);
	if (e == RSG_OK && a->nwords == 1 && (e = verify_copy(&b, a->word[0])) == RSG_OK) {
		b.say = say_wrong;	/* the accesses were listed before */
		e = rsg_bundlecheck_run(&b, file.p, file.len);
	}
	rsg_buf_free(&file);
	if (e == RSG_OK)
		tell_result(&b);
	else if (e == RSG_TAMPERED)
		printf("FAIL  the bundle or the copy of the log is not what was signed\n");
	else
		rsg_tell_err(e, rsg_args_get(a, "bundle", ""));
	return e == RSG_OK ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}
