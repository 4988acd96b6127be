/*
 * value.h - one value from outside into one field of a message.
 *
 * The field's type in fields.def says which form is asked for; what is not
 * exactly of that form is refused, and nothing is appended.
 */
#ifndef RESGUARDO_API_INTAKE_VALUE_H
#define RESGUARDO_API_INTAKE_VALUE_H

#include <stddef.h>

#include "resguardo/json.h"
#include "resguardo/msg.h"

/*
 * From text: a path segment, a query value, a header, a JSON string.
 * RSG_OK, RSG_BAD_VALUE, RSG_TOO_LARGE; the buffer's own errors stay there.
 */
RSG_MUST enum rsg_err rsg_value_text(struct rsg_buf *, enum rsg_field,
    const char *, size_t);

/* From JSON: INT wants an integer, BOOL a boolean, all others a string. */
RSG_MUST enum rsg_err rsg_value_json(struct rsg_buf *, enum rsg_field,
    const struct rsg_json *);

#endif
