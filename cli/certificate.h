/*
 * certificate.h - a certificate authority of this machine's own, and the
 * server's certificate from it. The one place that makes X.509 objects.
 */
#ifndef CLI_CERTIFICATE_H
#define CLI_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

/* Days until the certificate at `path` expires; false when it cannot be read. */
bool rsg_certificate_days(const char *path, int64_t *days);

/* Is the key at `key` the one of the certificate at `cert`? */
bool rsg_certificate_matches(const char *cert, const char *key);

#endif
