/*
 * receiptshow.h - what a receipt says, a line for each thing. Whoever made the
 * file can have put anything in it: nothing of it moves a cursor.
 */
#ifndef CLI_RECEIPTSHOW_H
#define CLI_RECEIPTSHOW_H

#include <stdio.h>

#include "resguardo/json.h"

void rsg_receipt_show(FILE *, const struct rsg_json *payload);

#endif
