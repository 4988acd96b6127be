#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/logkey.h"
#include "audit/prove.h"
#include "resguardo/secret.h"

enum rsg_err
rsg_prove_open(const char *dir, const struct rsg_vkey *key, struct rsg_prove **out)
{
	struct rsg_prove *p = calloc(1, sizeof(*p));
	enum rsg_err e;

	*out = NULL;
	if (p == NULL)
		return RSG_NO_MEMORY;
	p->key = *key;
	rsg_buf_init(&p->note, RSG_NOTE_MAX + 1);
	if ((e = rsg_logdir_open(dir, false, &p->tiles.dir)) != RSG_OK ||
	    (e = rsg_logdir_read(p->tiles.dir, "checkpoint", RSG_NOTE_MAX,
	    &p->note)) != RSG_OK ||
	    (e = rsg_checkpoint_open((char *)p->note.p, p->note.len, key,
	    &p->now)) != RSG_OK) {
		rsg_prove_close(p);
		return e;
	}
	p->tiles.size = p->now.size;
	*out = p;
	return RSG_OK;
}

enum rsg_err
rsg_prove_state(const char *state, struct rsg_prove **out)
{
	char dir[600];
	struct rsg_skey key;
	struct rsg_vkey public;
	enum rsg_err e;
	int n;

	*out = NULL;
	n = snprintf(dir, sizeof(dir), "%s/keys", state);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return RSG_CONFIG;
	if ((e = rsg_logkey_read(dir, &key)) != RSG_OK)
		return e;
	public = key.public;
	rsg_secret_wipe(&key, sizeof(key));
	(void)snprintf(dir, sizeof(dir), "%s/log", state);
	return rsg_prove_open(dir, &public, out);
}

void
rsg_prove_close(struct rsg_prove *p)
{
	if (p == NULL)
		return;
	rsg_logdir_close(p->tiles.dir);
	rsg_buf_free(&p->note);
	free(p);
}

enum rsg_err
rsg_prove_entry(struct rsg_prove *p, uint64_t index,
    const uint8_t hash[RSG_HASH_LEN], struct rsg_proof *proof)
{
	enum rsg_err e;

	if (index >= p->now.size)
		return RSG_STALE;
	e = rsg_tree_inclusion(rsg_tiles_hash, &p->tiles, index, p->now.size, proof);
	return e != RSG_OK ? e :
	    rsg_tree_included(hash, index, p->now.size, proof, p->now.root);
}

enum rsg_err
rsg_prove_growth(struct rsg_prove *p, uint64_t old, uint64_t size,
    struct rsg_proof *proof, uint8_t old_root[RSG_HASH_LEN],
    uint8_t root[RSG_HASH_LEN])
{
	struct rsg_proof to_signed;
	enum rsg_err e;

	if (old > size)
		return RSG_BAD_VALUE;
	if (size > p->now.size)
		return RSG_STALE;
	if ((e = rsg_tree_root(rsg_tiles_hash, &p->tiles, old, old_root)) != RSG_OK ||
	    (e = rsg_tree_root(rsg_tiles_hash, &p->tiles, size, root)) != RSG_OK ||
	    (e = rsg_tree_consistency(rsg_tiles_hash, &p->tiles, old, size,
	    proof)) != RSG_OK ||
	    (e = rsg_tree_consistent(old, old_root, size, root, proof)) != RSG_OK ||
	    (e = rsg_tree_consistency(rsg_tiles_hash, &p->tiles, size, p->now.size,
	    &to_signed)) != RSG_OK)
		return e;
	/* The greater tree must begin the signed one: tiles are only files. */
	return rsg_tree_consistent(size, root, p->now.size, p->now.root, &to_signed);
}
