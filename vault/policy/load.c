/*
 * load.c - a bundle becomes a policy, or a list of everything wrong with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/reader.h"
#include "seal/seal.h"

static void
start(struct rsg__reader *r, const char *file)
{
	snprintf(r->place, sizeof(r->place), "%.*s:", RSG__PLACE - 8, file);
}

typedef void read_fn(struct rsg__reader *, struct rsg_policy *,
    const struct rsg_json *);

/* In this order: later files name what earlier ones declare. */
static const struct {
	const char *name;
	read_fn *read;
	bool spare;			/* there are policies without it */
} files[] = {
	{ "fields.json", rsg__fields_read, false },	/* other files name its ids, */
	{ "purposes.json", rsg__purposes_read, false },	/* and these */
	{ "access.json", rsg__access_read, false },
	{ "segments.json", rsg__segments_read, false },
	{ "kinds.json", rsg__kinds_read, false },
	{ "loyalty.json", rsg__loyalty_read, true },
};
#define FILES	(sizeof(files) / sizeof(files[0]))

static void
read_files(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *all)
{
	const struct rsg_json *v;

	for (size_t i = 0; i < FILES; i++) {
		start(r, files[i].name);
		/* The rest is read even so: one run tells all faults. */
		v = rsg_json_get(all, files[i].name);
		if (v == NULL && files[i].spare)
			continue;
		if (v == NULL)
			rsg__fault(r, NULL, "is not there; add it");
		else
			files[i].read(r, p, v);
		if (i < 2)
			r->unsure = r->nfaults > 0;
	}
}

/* The rest of the files are jurisdictions; anything else is a mistake. */
static void
read_jurisdictions(struct rsg__reader *r, struct rsg_policy *p,
    const struct rsg_json *all)
{
	static const char dir[] = "jurisdictions/";
	const struct rsg_json *v;
	char code[RSG_POLICY_NAME];
	const char *name;
	void *iter = NULL;
	size_t n, k;

	while (rsg_json_next(all, &iter, &name, &v)) {
		start(r, name);
		n = strlen(name);
		if (strncmp(name, dir, sizeof(dir) - 1) == 0 &&
		    n > sizeof(dir) - 1 + 5 &&
		    strcmp(name + n - 5, ".json") == 0 &&
		    n - (sizeof(dir) - 1) - 5 < sizeof(code)) {
			snprintf(code, sizeof(code), "%.*s",
			    (int)(n - (sizeof(dir) - 1) - 5),
			    name + sizeof(dir) - 1);
			rsg__jurisdiction_read(r, p, code, v);
			continue;
		}
		for (k = 0; k < FILES && strcmp(files[k].name, name) != 0; k++)
			;
		if (k == FILES)
			rsg__fault(r, NULL, "is not a file of a policy; remove "
			    "it");
	}
	start(r, "jurisdictions");
	if (p->ncodes == 0)
		rsg__fault(r, NULL, "holds none; add the law that applies, "
		    "as in jurisdictions/EU.json");
}

/* The bundle's own frame; NULL with a fault when it is something else. */
static const struct rsg_json *
files_of(struct rsg__reader *r, const struct rsg_json *root)
{
	struct { const struct rsg_json *files; int64_t format; } top = { 0 };
	static const struct rsg__member shape[] = {
		{ "files", RSG__M_OBJECT, true, 0, 0, 0 },
		{ "format", RSG__M_INT, true, sizeof(void *), 1, 1 },
	};

	start(r, "bundle");
	return rsg__read(r, root, shape, 2, &top) ? top.files : NULL;
}

/*
 * Fill an empty policy. The parsed bundle stays with it: all its texts are
 * borrowed from there.
 */
static enum rsg_err
fill(struct rsg_policy *p, const void *bundle, size_t len,
    struct rsg_buf *faults)
{
	struct rsg__reader r = { .faults = faults };
	struct rsg_json_fault f;
	const struct rsg_json *all;
	enum rsg_err e;

	e = rsg_json_parse(bundle, len, &p->root, &f);
	if (e == RSG_MALFORMED || e == RSG_TOO_LARGE) {
		rsg_buf_printf(faults, "bundle: line %d, column %d: %s; make "
		    "the bundle again from its folder\n", f.line, f.column,
		    f.what);
		return RSG_CONFIG;
	}
	if (e != RSG_OK)
		return e;
	if ((all = files_of(&r, p->root)) != NULL) {
		read_files(&r, p, all);
		read_jurisdictions(&r, p, all);
	}
	if (r.nfaults > RSG__FAULTS)
		rsg_buf_printf(faults, "... and %u more faults\n",
		    r.nfaults - RSG__FAULTS);
	if (r.nfaults > 0)
		return RSG_CONFIG;
	e = rsg__access_compile(p, RSG__RULES);
	if (e == RSG_TOO_LARGE) {
		rsg_buf_printf(faults, "access.json: more than %d rules speak "
		    "of one role, action and purpose; join some\n", RSG__SPAN);
		e = RSG_CONFIG;
	}
	return e;
}

enum rsg_err
rsg_policy_load(const void *bundle, size_t len, struct rsg_policy **out,
    struct rsg_buf *faults)
{
	struct rsg_policy *p;
	enum rsg_err e;

	*out = NULL;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return RSG_NO_MEMORY;
	if ((e = fill(p, bundle, len, faults)) != RSG_OK)
		goto done;
	rsg_sha256(&(struct rsg_part){ bundle, len }, 1, p->hash);
	*out = p;
	p = NULL;
done:
	rsg_policy_free(p);
	return e;
}

void
rsg_policy_free(struct rsg_policy *p)
{
	if (p == NULL)
		return;
	rsg_json_free(p->root);
	free(p->choices);
	free(p->list);
	free(p);
}

const uint8_t *
rsg_policy_hash(const struct rsg_policy *p)
{
	return p->hash;
}
