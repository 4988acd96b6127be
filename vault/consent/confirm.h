/*
 * confirm.h - the second yes: a code that comes back from the address itself.
 *
 * A purpose with `double_opt_in` takes a yes by e-mail or message, or by no
 * channel in particular, only as asked for, until its code is sent back. The
 * code stands nowhere: its digest is part of the sealed event that asked, and
 * what was said since, in the header, tells whether it still counts. So a code
 * works once without a table of its own.
 */
#ifndef RSG_CONFIRM_H
#define RSG_CONFIRM_H

#include "consent/ledger.h"
#include "seal/code.h"

/* Does this yes have to be confirmed? Not what was confirmed elsewhere. */
bool rsg_confirm_needed(const struct rsg_policy *, const struct rsg_consent *);

/*
 * Make a question of a yes: `ev` becomes one, with the digest and the end of a
 * new code. `digest` has room for 32 bytes and must live as long as `ev`. Wipe
 * the code once it is in the answer.
 */
void rsg_confirm_ask(const struct rsg_policy *, const struct rsg_id *subject,
    int64_t now, struct rsg_consent *ev, char code[RSG_CODE_TEXT],
    uint8_t digest[RSG_DIGEST_LEN]);

/* Is this the code of that question, in time, and is it still unanswered? */
bool rsg_confirm_answers(const struct rsg_id *subject, const struct rsg_header *,
    const struct rsg_ledger_event *question, const char *typed, size_t len,
    int64_t now);

/*
 * The question that a code answers, out of the newest events, newest first:
 * rows of CONSENT_RECENT. *sequence is its place (0: there is none), whatever
 * was typed; `ev` borrows from the arena.
 * RSG_CODE_REFUSED: wrong, too late, used, or something else was said since.
 * RSG_TAMPERED (logged).
 */
RSG_MUST enum rsg_err rsg_confirm_find(struct rsg_arena *, const struct rsg_subject *,
    const struct rsg_result *, uint16_t purpose, enum rsg_channel, const char *typed,
    size_t len, int64_t now, uint32_t *sequence, struct rsg_ledger_event *ev);

/* Does this question still wait for its code? */
bool rsg_confirm_open(const struct rsg_header *, const struct rsg_ledger_event *question,
    int64_t now);

/*
 * Seconds until another code may be tried for this person; 0: now. A wrong one
 * counts, against the person and not the caller: at most RSG_CONFIRM_TRIES an
 * hour, whoever tries, at whichever server. The count stands in the header, and
 * is written in the transaction of the guess; only guesses at a code that is
 * waited for are counted, so that nobody makes us write more than those.
 */
#define RSG_CONFIRM_TRIES	10
int64_t rsg_confirm_wait(const struct rsg_header *, int64_t now);
void rsg_confirm_wrong(struct rsg_header *, int64_t now);

#endif
