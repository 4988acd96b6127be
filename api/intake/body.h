/*
 * body.h - a JSON body into the fields of a message, as the shapes say.
 *
 * Members that the shape does not take from BODY are unknown; what it needs
 * and is not there is missing; each value must be of its field's type. Where
 * the shape has INTAKE members, what is unknown or soft is left out and named
 * instead. On failure `at` names the member, and what was appended must be thrown away.
 */
#ifndef RESGUARDO_API_INTAKE_BODY_H
#define RESGUARDO_API_INTAKE_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "intake/at.h"
#include "resguardo/msg.h"

/*
 * The whole body is one object: a request shape's BODY members.
 * RSG_OK, RSG_MALFORMED, RSG_TOO_LARGE, RSG_UNKNOWN_MEMBER,
 * RSG_MISSING_MEMBER, RSG_BAD_VALUE.
 */
RSG_MUST enum rsg_err rsg_body_object(struct rsg_buf *, enum rsg_shape,
    const void *, size_t, struct rsg_at *);

/*
 * The whole body is one group of `item`. With `line` above 0 it came in a
 * file of many, and LINE is set to it; the sender may never set it.
 */
RSG_MUST enum rsg_err rsg_body_item(struct rsg_buf *, enum rsg_field item,
    int64_t line, const void *, size_t, struct rsg_at *);

#endif
