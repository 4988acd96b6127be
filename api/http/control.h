/*
 * control.h - the supervisor's socket: 'C' brings a vault channel, 'Q' or end
 * of file asks to stop, and 'R' tells it that we are ready.
 */
#ifndef RESGUARDO_API_HTTP_CONTROL_H
#define RESGUARDO_API_HTTP_CONTROL_H

#include <stdbool.h>

#include "resguardo/err.h"

enum rsg_control { RSG_CONTROL_NONE, RSG_CONTROL_CHANNEL, RSG_CONTROL_QUIT };

/*
 * Take one message, waiting for it if `wait`. With RSG_CONTROL_CHANNEL *fd is
 * the caller's; every descriptor that comes with anything else is closed.
 */
enum rsg_control rsg_control_read(int socket, bool wait, int *fd);

RSG_MUST enum rsg_err rsg_control_ready(int socket);

#endif
