/*
 * receipt.c - `resguardo receipt verify`: is this receipt what was given out,
 * and what does it say? It needs the file and the public key, and no server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "receipt/jws.h"
#include "resguardo/json.h"

#define FILE_MAX	(512u * 1024)	/* the whole answer of the server fits */
#define RECORD		"dpv:hasRecordOfActivity"
#define PROCESS		"dpv:hasProcess"
#define EVENT		"dpv:hasConsentStatus"

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

/* --- What it says --- */

/* A member below members; NULL where there is none. */
static const struct rsg_json *
at(const struct rsg_json *v, const char *a, const char *b, const char *c)
{
	v = a == NULL ? v : rsg_json_get(v, a);
	v = b == NULL ? v : rsg_json_get(v, b);
	return c == NULL ? v : rsg_json_get(v, c);
}

/* Who made the file could have put anything in it: nothing moves the cursor. */
static void
show_text(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;

		putchar(*p < 0x20 || *p == 0x7f || c1 ? '?' : *p);
		p += c1;
	}
}

static void
show_value(const struct rsg_json *v)
{
	const struct rsg_json *one;

	switch (rsg_json_type(v)) {
	case RSG_JSON_STRING:
		show_text(rsg_json_string(v, NULL));
		return;
	case RSG_JSON_INT:
		printf("%lld", (long long)rsg_json_int(v));
		return;
	case RSG_JSON_BOOL:
		printf("%s", rsg_json_bool(v) ? "yes" : "no");
		return;
	case RSG_JSON_OBJECT:
		if ((one = rsg_json_get(v, "dct:title")) == NULL &&
		    (one = rsg_json_get(v, "schema:name")) == NULL &&
		    (one = rsg_json_get(v, "dct:description")) == NULL)
			one = rsg_json_get(v, "@id");
		if (rsg_json_type(one) == RSG_JSON_STRING)
			show_text(rsg_json_string(one, NULL));
		return;
	case RSG_JSON_ARRAY:
		for (size_t i = 0; i < rsg_json_size(v); i++) {
			if (i > 0)
				printf(", ");
			if (rsg_json_type(rsg_json_at(v, i)) != RSG_JSON_ARRAY)
				show_value(rsg_json_at(v, i));
		}
		return;
	default:
		return;
	}
}

static bool
is_text(const struct rsg_json *v, const char *s)
{
	const char *own = rsg_json_string(v, NULL);

	return own != NULL && strcmp(own, s) == 0;
}

static void
line(const char *what, const struct rsg_json *v)
{
	if (v == NULL)
		return;
	printf("  %-16s", what);
	if (is_text(rsg_json_get(v, "@id"), "dpv:NotAvailable"))
		printf("(was not said)");
	else
		show_value(v);
	putchar('\n');
}

/* A yes that is none yet, or that never was one, must not look like one. */
static void
show_code(const struct rsg_json *confirmation)
{
	static const char *const states[][2] = {
		{ "awaited", "not in force until its code is typed, by " },
		{ "lapsed", "never in force: its code was not typed by " },
		{ "answered", "superseded by a later answer; its code worked until " },
	};
	const struct rsg_json *state = rsg_json_get(confirmation, "resguardo:state");

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (is_text(state, states[i][0])) {
			printf("  %-16s%s", "", states[i][1]);
			show_value(rsg_json_get(confirmation, "resguardo:codeUntil"));
			putchar('\n');
		}
}

/* Each on a line: what it is, and how it stood when the receipt was made. */
static void
show_given(const struct rsg_json *process)
{
	const struct rsg_json *all = rsg_json_get(process, "dpv:hasConsequence"),
	    *more = rsg_json_get(process, "resguardo:benefitsNotShown");

	for (size_t i = 0; i < rsg_json_size(all); i++) {
		const struct rsg_json *one = rsg_json_at(all, i);

		printf("  %-16s", i == 0 ? "in return" : "");
		show_value(one);
		printf(" (");
		show_value(rsg_json_get(one, "resguardo:state"));
		printf(")\n");
	}
	if (rsg_json_type(more) == RSG_JSON_INT)
		printf("  %-16sand %lld older\n", "", (long long)rsg_json_int(more));
}

static void
show(const struct rsg_json *root)
{
	const struct rsg_json *record = rsg_json_get(root, RECORD), *parties =
	    rsg_json_get(record, "dpv:hasEntity"), *event = rsg_json_get(record, EVENT),
	    *process = rsg_json_get(record, PROCESS);

	line("receipt", at(root, "dct:identifier", NULL, NULL));
	line("made", at(root, "dct:created", NULL, NULL));
	for (size_t i = 0; i < rsg_json_size(parties); i++) {
		const struct rsg_json *p = rsg_json_at(parties, i);

		if (rsg_json_get(p, "schema:address") == NULL) {
			line("authority", rsg_json_get(p, "schema:name"));
			continue;
		}
		line("who asks", rsg_json_get(p, "schema:name"));
		line("address", rsg_json_get(p, "schema:address"));
		line("contact", rsg_json_get(p, "schema:contactPoint"));
		line("e-mail", rsg_json_get(p, "schema:email"));
	}
	line("person", at(record, "dpv:hasDataSubject", "@id", NULL));
	line("what for", rsg_json_get(process, "dpv:hasPurpose"));
	line("channel", rsg_json_get(process, "resguardo:channel"));
	line("answer", rsg_json_get(event, "resguardo:status"));
	show_code(rsg_json_get(event, "resguardo:confirmation"));
	line("confirmed", rsg_json_get(event, "resguardo:confirmedAt"));
	line("changed since", rsg_json_get(event, "resguardo:answeredSince"));
	line("noted without", rsg_json_get(event, "resguardo:lacking"));
	line("when", rsg_json_get(event, "dpv:isIndicatedAtTime"));
	line("noted", rsg_json_get(event, "resguardo:recordedAt"));
	line("how", rsg_json_get(event, "dpv:hasIndicationMethod"));
	line("holds until", at(event, "dpv:hasDuration", "dct:valid", NULL));
	line("notice", at(record, "dpv:hasNotice", "dct:identifier", NULL));
	line("its SHA-256", at(record, "dpv:hasNotice", "resguardo:sha256", NULL));
	line("data", rsg_json_get(process, "dpv:hasPersonalData"));
	line("may be given to", rsg_json_get(process, "dpv:hasRecipient"));
	show_given(process);
	line("withdraw at", at(record, "dpv:hasConsentControl", "dpv:isExercisedAt", NULL));
	line("place in chain", at(record, "resguardo:chain", "resguardo:sequence", NULL));
	line("its hash", at(record, "resguardo:chain", "resguardo:sha256", NULL));
}

/* --- Verifying --- */

/* The server's answer has the receipt as a member; alone it is a line. */
static enum rsg_jws_fault
take_apart(const struct rsg_buf *file, struct rsg_json **answer, struct rsg_jws *j)
{
	const char *s = (const char *)file->p;
	size_t n = file->len;

	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r' || s[n - 1] == ' '))
		n--;
	if (n > 0 && s[0] == '{') {
		if (rsg_json_parse(s, n, answer, NULL) != RSG_OK ||
		    (s = rsg_json_string(rsg_json_get(*answer, "receipt"), &n)) == NULL)
			n = 0;
	}
	return rsg_jws_read(n == 0 ? "" : s, n, j);
}

static enum rsg_jws_fault
check(const struct rsg_jws *j, const char *path)
{
	uint8_t pub[RSG_PUBLIC_LEN];
	enum rsg_jws_fault f;
	struct rsg_buf key;

	rsg_buf_init(&key, FILE_MAX);
	f = read_file(path, &key) != RSG_EXIT_OK ? RSG_JWS_KEY_FILE :
	    rsg_jwk_read(key.p, key.len, j->kid, pub);
	rsg_buf_free(&key);
	return f == RSG_JWS_GOOD ? rsg_jws_check(j, pub) : f;
}

/* Signed, but is it a receipt? */
static enum rsg_jws_fault
read_payload(const struct rsg_jws *j, struct rsg_json **root)
{
	if (rsg_json_parse(j->payload.p, j->payload.len, root, NULL) != RSG_OK)
		return RSG_JWS_PAYLOAD;
	return is_text(rsg_json_get(*root, "@type"), "dpv:ConsentReceipt") &&
	    rsg_json_type(rsg_json_get(*root, RECORD)) == RSG_JSON_OBJECT ?
	    RSG_JWS_GOOD : RSG_JWS_PAYLOAD;
}

enum rsg_exit
rsg_receipt_verify(const struct rsg_args *a)
{
	const char *key = rsg_args_get(a, "key", NULL);
	struct rsg_json *answer = NULL, *root = NULL;
	struct rsg_jws j = { .nsigned = 0 };
	enum rsg_jws_fault f;
	struct rsg_buf file;

	if (a->nwords != 1) {
		rsg_tell_error("which receipt? (see 'resguardo help receipt verify')");
		return RSG_EXIT_USAGE;
	}
	rsg_buf_init(&file, FILE_MAX);
	if (read_file(a->word[0], &file) != RSG_EXIT_OK) {
		rsg_buf_free(&file);
		return RSG_EXIT_FAILED;
	}
	if ((f = take_apart(&file, &answer, &j)) == RSG_JWS_GOOD && key != NULL)
		f = check(&j, key);
	if (f == RSG_JWS_GOOD)
		f = read_payload(&j, &root);
	if (f != RSG_JWS_GOOD)
		rsg_tell_error("this receipt is not good: %s", rsg_jws_says(f));
	else if (key == NULL) {
		printf("NOT VERIFIED: anybody could have written this. Name the key with "
		    "--key FILE;\nthe server gives it at /v1/keys. What it says:\n");
		show(root);
		f = RSG_JWS_KEY_FILE;
	} else {
		printf("Good: signed by the key %s,\nand not a letter was changed since. "
		    "It says:\n", j.kid[0] != '\0' ? j.kid : "given");
		show(root);
	}
	rsg_json_free(root);
	rsg_json_free(answer);
	rsg_jws_free(&j);
	rsg_buf_free(&file);
	return f == RSG_JWS_GOOD ? RSG_EXIT_OK : RSG_EXIT_FAILED;
}
