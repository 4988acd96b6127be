/*
 * receipt.c - `resguardo receipt verify`: is this receipt what was given out,
 * and what does it say? It needs the file and the public key, and no server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/receiptshow.h"
#include "receipt/verify.h"

#define FILE_MAX	(512u * 1024)	/* the whole answer of the server fits */

static enum rsg_exit
read_file(const char *path, struct rsg_buf *b)
{
	bool in = strcmp(path, "-") == 0;
	int fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum rsg_exit x = RSG_EXIT_OK;
	uint8_t *room;
	ssize_t n = 1;

	if (fd < 0) {
		rsg_tell_errno("%s", path);
		return RSG_EXIT_FAILED;
	}
	while (n > 0 && (room = rsg_buf_room(b, 65536)) != NULL)
		if ((n = read(fd, room, 65536)) > 0)
			(void)rsg_buf_extend(b, (size_t)n);
	if (n < 0) {
		rsg_tell_errno("%s", path);
		x = RSG_EXIT_FAILED;
	} else if (!rsg_buf_ok(b)) {
		rsg_tell_error("%s is too large for a receipt or a key", path);
		x = RSG_EXIT_FAILED;
	}
	if (!in)
		close(fd);
	return x;
}

/* --- Verifying --- */

static enum rsg_exit
say(const struct rsg_verdict *v, enum rsg_jws_fault f, bool key)
{
	if (f != RSG_JWS_GOOD) {
		rsg_tell_error(rsg_jws_of_key(f) ? "this receipt cannot be checked: %s" :
		    "this receipt is not good: %s", rsg_jws_says(f));
		return RSG_EXIT_FAILED;
	}
	if (!key)
		printf("NOT VERIFIED: anybody could have written this. Name the key with "
		    "--key FILE;\nthe server gives it at /v1/keys. What it says:\n");
	else
		printf("Good: signed by the key %s,\nand not a letter was changed since. "
		    "It says:\n", v->jws.kid[0] != '\0' ? v->jws.kid : "given");
	rsg_receipt_show(stdout, v->root);
	return key ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}

enum rsg_exit
rsg_receipt_verify(const struct rsg_args *a)
{
	const char *path = rsg_args_get(a, "key", NULL);
	struct rsg_buf file, key;
	struct rsg_verdict v;
	enum rsg_jws_fault f;
	enum rsg_exit x;

	if (a->nwords != 1) {
		rsg_tell_error("which receipt? (see 'resguardo help receipt verify')");
		return RSG_EXIT_USAGE;
	}
	rsg_buf_init(&file, FILE_MAX);
	rsg_buf_init(&key, FILE_MAX);
	if ((x = read_file(a->word[0], &file)) == RSG_EXIT_OK && path != NULL)
		x = read_file(path, &key);
	if (x == RSG_EXIT_OK) {
		f = rsg_receipt_verify_file(file.p, file.len, path == NULL ? NULL :
		    key.len == 0 ? (const void *)"" : key.p, key.len, &v);
		x = say(&v, f, path != NULL);
		rsg_verdict_free(&v);
	}
	rsg_buf_free(&file);
	rsg_buf_free(&key);
	return x;
}
