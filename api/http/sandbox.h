/*
 * sandbox.h - what the process that faces the network gives up for good.
 *
 * After rsg_sandbox_enter() it opens no file, makes no socket, starts no
 * program and traces nobody; what remains are the descriptors it holds. Call
 * it before the first byte from outside is read and before any thread:
 * Landlock binds the calling thread only.
 */
#ifndef RESGUARDO_API_HTTP_SANDBOX_H
#define RESGUARDO_API_HTTP_SANDBOX_H

#include "resguardo/err.h"

/*
 * Before it: leave this one folder (a descriptor, or -1) readable. Only where
 * Landlock confines it; without, what is in it is not served.
 */
void rsg_sandbox_readable(int folder);

/*
 * no_new_privs, not dumpable, no capabilities, Landlock as far as the kernel
 * has it, seccomp.
 * A kernel without Landlock is logged as a warning: seccomp then stands
 * alone. RSG_CONFIG (logged) when anything else is missing: never go on.
 */
RSG_MUST enum rsg_err rsg_sandbox_enter(void);

#endif
