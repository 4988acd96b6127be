/*
 * rotate.h - ending one log and beginning the next, under another key.
 *
 * The last entry of a log names the verifier key of the next. The first entry
 * of the next repeats the last checkpoint of the one before, as it was signed.
 * So who noted one key finds the others, and nothing fits between the two.
 * Both say so to everybody, behind the sealed parts of an entry like any other
 * (docs/FORMAT.md, "Log"). The old secret key is gone afterwards.
 *
 *	STATE/log/			the next log
 *	STATE/log/closed/KEYID/		each that ended, as it was published
 *	STATE/keys/closed-KEYID		its verifier key and last checkpoint
 *	STATE/next/			while it is being done
 */
#ifndef RSG_ROTATE_H
#define RSG_ROTATE_H

#include "audit/note.h"
#include "seal/seal.h"
#include "store/store.h"

#define RSG_CLOSING	"resguardo log closed\nnext "	/* and a verifier key, \n */
#define RSG_OPENING	"resguardo log continued\n"	/* and a signed checkpoint */
#define RSG_CLOSED_DIR	"closed"
#define RSG_KEYID_TEXT	9

void rsg_rotate_keyid(const struct rsg_vkey *, char out[RSG_KEYID_TEXT]);

/*
 * Do it, or finish what was begun: it may be cut off anywhere. No server may
 * run on STATE meanwhile. `keys` holds the operations key; `origin` NULL makes
 * up a name. *old and *next are the keys before and after. RSG_BAD_VALUE for a
 * name that no log can have; RSG_BUSY: a writing transaction holds it up;
 * RSG_TAMPERED: the log may not go on; RSG_IO, RSG_UNAVAILABLE, RSG_CONFIG.
 */
RSG_MUST enum rsg_err rsg_rotate(const char *conninfo, const char *state,
    const struct rsg_keyring *keys, const char *origin, struct rsg_vkey *old,
    struct rsg_vkey *next);

#endif
