#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/logkey.h"
#include "audit/prove.h"
#include "audit/rotate.h"
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

/* keys/closed-KEYID: the verifier key of a log that ended. */
static enum rsg_err
open_closed(const char *state, const char *keyid, struct rsg_prove **out)
{
	char path[600], text[RSG_VKEY_MAX + 2];
	struct rsg_vkey key;
	ssize_t n;
	int fd;

	n = snprintf(path, sizeof(path), "%s/keys/closed-%s", state, keyid);
	if (n < 0 || (size_t)n >= sizeof(path))
		return RSG_CONFIG;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		return RSG_IO;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0 || rsg_note_vkey(text, (size_t)n, &key) != RSG_OK)
		return RSG_CONFIG;
	(void)snprintf(path, sizeof(path), "%s/log/" RSG_CLOSED_DIR "/%s", state, keyid);
	return rsg_prove_open(path, &key, out);
}

enum rsg_err
rsg_prove_closed(const char *state, size_t which, struct rsg_prove **out)
{
	enum rsg_err e = RSG_NOT_FOUND;
	const struct dirent *f;
	char path[600];
	DIR *d;

	*out = NULL;
	(void)snprintf(path, sizeof(path), "%s/keys", state);
	if ((d = opendir(path)) == NULL)
		return RSG_IO;
	while (e == RSG_NOT_FOUND && (f = readdir(d)) != NULL)
		if (strncmp(f->d_name, "closed-", 7) == 0 &&
		    strlen(f->d_name) == 7 + RSG_KEYID_TEXT - 1 && which-- == 0) {
			/* One that is not there to be read is no end of them. */
			e = open_closed(state, f->d_name + 7, out);
			if (e == RSG_NOT_FOUND)
				e = RSG_IO;
			break;
		}
	closedir(d);
	return e;
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
