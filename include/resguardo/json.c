/*
 * jansson behind our own limits. It bounds nesting far above what we take and
 * the number of values not at all, so check_limits() goes over the bytes
 * first; what jansson allocates is wiped when it is freed, as the documents
 * are people's data.
 */
#include "resguardo/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/*
 * free() is not told how much there was to wipe, so the size stands in front.
 * It takes a whole alignment, to keep what follows aligned.
 */
#define FRONT	_Alignof(max_align_t)
_Static_assert(FRONT >= sizeof(size_t), "the size does not fit in front");

static void *
wiping_malloc(size_t n)
{
	uint8_t *p;

	if (n > SIZE_MAX - FRONT || (p = malloc(FRONT + n)) == NULL)
		return NULL;
	memcpy(p, &n, sizeof(n));
	return p + FRONT;
}

static void
wiping_free(void *v)
{
	uint8_t *p;
	size_t n;

	if (v == NULL)
		return;
	p = (uint8_t *)v - FRONT;
	memcpy(&n, p, sizeof(n));
	explicit_bzero(v, n);
	free(p);
}

/*
 * The seed keeps members' hashes unpredictable. Left alone, jansson would open
 * /dev/urandom at the first object, which a sandboxed process cannot.
 */
void
rsg_json_init(void)
{
	size_t seed = 0;

	json_set_alloc_funcs(wiping_malloc, wiping_free);
	while (getrandom(&seed, sizeof(seed), 0) < 0 && errno == EINTR)
		;
	json_object_seed(seed | 1);
}

static void
set_fault(struct rsg_json_fault *f, int line, int column, const char *what)
{
	if (f == NULL)
		return;
	f->line = line;
	f->column = column;
	(void)snprintf(f->what, sizeof(f->what), "%s", what);
}

/*
 * The place after the string whose first quote is at p[i - 1]. What stands in
 * it is passed over, not judged: jansson does that.
 */
static size_t
skip_string(const uint8_t *p, size_t n, size_t i)
{
	for (; i < n && p[i] != '"'; i++)
		if (p[i] == '\\')
			i++;
	return i < n ? i + 1 : n;
}

/* Line and column (in bytes) of p[i], from 1. */
static void
set_fault_at(struct rsg_json_fault *f, const uint8_t *p, size_t i,
    const char *what)
{
	int line = 1, column = 1;

	for (size_t k = 0; k < i; k++) {
		column++;
		if (p[k] == '\n') {
			line++;
			column = 1;
		}
	}
	set_fault(f, line, column, what);
}

/*
 * Before anything is allocated: nesting, and how many values there may be, as
 * a value of three bytes can take a hundred of memory.
 */
static enum rsg_err
check_limits(const uint8_t *p, size_t n, struct rsg_json_fault *f)
{
	size_t depth = 0, values = 1, i = 0;

	while (i < n) {
		switch (p[i++]) {
		case '"':
			i = skip_string(p, n, i);
			break;
		case '[':
		case '{':
			values++;
			if (++depth > RSG_JSON_DEPTH) {
				set_fault_at(f, p, i - 1, "nested too deep");
				return RSG_TOO_LARGE;
			}
			break;
		/* Too many closings are a fault that jansson finds. */
		case ']':
		case '}':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		}
		if (values > RSG_JSON_VALUES) {
			set_fault_at(f, p, i - 1, "too many values");
			return RSG_TOO_LARGE;
		}
	}
	return RSG_OK;
}

enum rsg_err
rsg_json_parse(const void *p, size_t n, struct rsg_json **out,
    struct rsg_json_fault *fault)
{
	json_error_t error;
	json_t *root;
	enum rsg_err e;

	*out = NULL;
	set_fault(fault, 0, 0, "");
	if ((e = check_limits(p, n, fault)) != RSG_OK)
		return e;
	/* NUL and text after the document are faults unless flags allow them. */
	root = json_loadb(p != NULL ? p : "", n,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (root == NULL) {
		set_fault(fault, error.line, error.column, error.text);
		e = json_error_code(&error) == json_error_out_of_memory ?
		    RSG_NO_MEMORY : RSG_MALFORMED;
		/* Its text quotes the document. */
		explicit_bzero(&error, sizeof(error));
		return e;
	}
	*out = (struct rsg_json *)root;
	return RSG_OK;
}

void
rsg_json_free(struct rsg_json *j)
{
	json_decref((json_t *)j);
}

/* A struct rsg_json is a json_t and never anything else. */
static const json_t *
value(const struct rsg_json *j)
{
	return (const json_t *)j;
}

/* What is absent (NULL) reads as null, so that callers may chain. */
enum rsg_json_type
rsg_json_type(const struct rsg_json *j)
{
	if (j == NULL)
		return RSG_JSON_NULL;
	switch (json_typeof(value(j))) {
	case JSON_TRUE:
	case JSON_FALSE:
		return RSG_JSON_BOOL;
	case JSON_INTEGER:
		return RSG_JSON_INT;
	case JSON_REAL:
		return RSG_JSON_REAL;
	case JSON_STRING:
		return RSG_JSON_STRING;
	case JSON_ARRAY:
		return RSG_JSON_ARRAY;
	case JSON_OBJECT:
		return RSG_JSON_OBJECT;
	case JSON_NULL:
		break;
	}
	return RSG_JSON_NULL;
}

bool
rsg_json_bool(const struct rsg_json *j)
{
	return json_is_true(value(j));
}

int64_t
rsg_json_int(const struct rsg_json *j)
{
	return json_integer_value(value(j));
}

double
rsg_json_real(const struct rsg_json *j)
{
	return json_real_value(value(j));
}

const char *
rsg_json_string(const struct rsg_json *j, size_t *len)
{
	if (len != NULL)
		*len = json_string_length(value(j));
	return json_string_value(value(j));
}

size_t
rsg_json_size(const struct rsg_json *j)
{
	if (json_is_object(value(j)))
		return json_object_size(value(j));
	return json_array_size(value(j));
}

const struct rsg_json *
rsg_json_at(const struct rsg_json *j, size_t i)
{
	return (const struct rsg_json *)json_array_get(value(j), i);
}

const struct rsg_json *
rsg_json_get(const struct rsg_json *j, const char *name)
{
	return (const struct rsg_json *)json_object_get(value(j), name);
}

bool
rsg_json_next(const struct rsg_json *object, void **iter, const char **name,
    const struct rsg_json **out)
{
	/* jansson's walk takes an object that it may change; it does not. */
	json_t *o = (json_t *)(uintptr_t)object;

	*iter = *iter == NULL ? json_object_iter(o) :
	    json_object_iter_next(o, *iter);
	if (*iter == NULL)
		return false;
	*name = json_object_iter_key(*iter);
	*out = (const struct rsg_json *)json_object_iter_value(*iter);
	return true;
}

struct member {
	const char *name;
	const struct rsg_json *value;
};

/* By bytes, which for UTF-8 is by code point. */
static int
by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static enum rsg_err dump(const struct rsg_json *, bool, struct rsg_jw *,
    const char *);

/* The parser has bounded the depth, so recursion is bounded too. */
static enum rsg_err
dump_object(const struct rsg_json *j, bool sorted, struct rsg_jw *w)
{
	size_t n = rsg_json_size(j), i = 0;
	struct member *m = NULL;
	enum rsg_err e = RSG_OK;
	void *iter = NULL;

	if ((m = calloc(n + 1, sizeof(*m))) == NULL)
		return RSG_NO_MEMORY;
	while (i < n && rsg_json_next(j, &iter, &m[i].name, &m[i].value))
		i++;
	if (sorted)
		qsort(m, n, sizeof(*m), by_name);
	for (i = 0; i < n && e == RSG_OK; i++)
		e = dump(m[i].value, sorted, w, m[i].name);
	free(m);
	return e;
}

static enum rsg_err
dump_nested(const struct rsg_json *j, bool sorted, struct rsg_jw *w,
    const char *name)
{
	enum rsg_err e = RSG_OK;

	if (rsg_json_type(j) == RSG_JSON_OBJECT) {
		rsg_jw_object(w, name);
		e = dump_object(j, sorted, w);
	} else {
		rsg_jw_array(w, name);
		for (size_t i = 0; i < rsg_json_size(j) && e == RSG_OK; i++)
			e = dump(rsg_json_at(j, i), sorted, w, NULL);
	}
	rsg_jw_end(w);
	return e;
}

static enum rsg_err
dump(const struct rsg_json *j, bool sorted, struct rsg_jw *w, const char *name)
{
	const char *s;
	size_t n;

	switch (rsg_json_type(j)) {
	case RSG_JSON_NULL:
		rsg_jw_null(w, name);
		break;
	case RSG_JSON_BOOL:
		rsg_jw_bool(w, name, rsg_json_bool(j));
		break;
	case RSG_JSON_INT:
		rsg_jw_int(w, name, rsg_json_int(j));
		break;
	case RSG_JSON_REAL:
		rsg_jw_real(w, name, rsg_json_real(j));
		break;
	case RSG_JSON_STRING:
		s = rsg_json_string(j, &n);
		rsg_jw_string(w, name, s, n);
		break;
	case RSG_JSON_ARRAY:
	case RSG_JSON_OBJECT:
		return dump_nested(j, sorted, w, name);
	}
	return RSG_OK;
}

enum rsg_err
rsg_json_dump(const struct rsg_json *j, bool sorted, struct rsg_buf *b)
{
	struct rsg_jw w;
	enum rsg_err e;

	rsg_jw_init(&w, b);
	if ((e = dump(j, sorted, &w, NULL)) != RSG_OK)
		return e;
	return rsg_buf_err(b);
}
