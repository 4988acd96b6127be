#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/paths.h"

#define CA_DAYS		3650
#define SERVER_DAYS	397		/* what browsers accept at most */
#define RENEW_DAYS	30
#define NAMES_MAX	4096

static bool
failed(const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	rsg_tell_error("%s: %s", what, text);
	return false;
}

static X509 *
read_cert(const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	X509 *x;

	if (bio == NULL)
		return NULL;
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return x;
}

static EVP_PKEY *
read_key(const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	EVP_PKEY *k;

	if (bio == NULL)
		return NULL;
	k = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return k;
}

static bool
write_bio(BIO *bio, const char *path, mode_t mode)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	return n > 0 && rsg_paths_write(path, mode, p, (size_t)n);
}

static bool
write_key(EVP_PKEY *key, const char *path)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	bool ok;

	ok = bio != NULL &&
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    write_bio(bio, path, 0600);
	BIO_free(bio);
	return ok;
}

static bool
write_cert(X509 *x, const char *path)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok;

	ok = bio != NULL && PEM_write_bio_X509(bio, x) == 1 &&
	    write_bio(bio, path, 0644);
	BIO_free(bio);
	return ok;
}

static bool
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

/* What every certificate of ours has: serial, dates, name, key. */
static X509 *
blank(EVP_PKEY *key, const char *name, long days)
{
	BIGNUM *serial = BN_new();
	X509 *x = X509_new();
	X509_NAME *n;
	bool ok;

	ok = x != NULL && serial != NULL && X509_set_version(x, 2) == 1 &&
	    /* 127 random bits: positive, and never the same twice */
	    BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) != NULL &&
	    /* an hour back, for clients whose clocks are */
	    X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, NULL) != NULL &&
	    (n = X509_get_subject_name(x)) != NULL &&
	    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_pubkey(x, key) == 1;
	BN_free(serial);
	if (!ok) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static bool
make_ca(const char *cert, const char *key)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = k != NULL ? blank(k, "Resguardo local CA", CA_DAYS) : NULL;
	bool ok;

	ok = x != NULL && X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
	    extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    extend(x, x, NID_subject_key_identifier, "hash") &&
	    X509_sign(x, k, EVP_sha256()) > 0;
	if (!ok)
		(void)failed("cannot make the local CA");
	ok = ok && write_key(k, key) && write_cert(x, cert);
	X509_free(x);
	EVP_PKEY_free(k);
	return ok;
}

/* Letters, digits, dots and hyphens; a star for the first label. */
static bool
host_name(const char *s)
{
	size_t n = strlen(s), from = strncmp(s, "*.", 2) == 0 ? 2 : 0;

	return n > from && n <= 253 && s[from] != '-' && s[from] != '.' &&
	    strspn(s + from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-") == n - from;
}

/* The names the certificate is for; only what cannot be mistaken for syntax. */
static bool
alternative_names(const struct rsg_args *a, char out[NAMES_MAX])
{
	unsigned char number[16];
	const char *host;
	size_t len;
	bool ip;

	len = (size_t)snprintf(out, NAMES_MAX,
	    "DNS:localhost,IP:127.0.0.1,IP:::1");
	for (size_t i = 0; (host = rsg_args_nth(a, "host", i)) != NULL; i++) {
		ip = inet_pton(AF_INET, host, number) == 1 ||
		    inet_pton(AF_INET6, host, number) == 1;
		if (!ip && !host_name(host)) {
			rsg_tell_error("not a host name or address: %s", host);
			return false;
		}
		len += (size_t)snprintf(out + len, NAMES_MAX - len, ",%s:%s",
		    ip ? "IP" : "DNS", host);
		if (len >= NAMES_MAX) {
			rsg_tell_error("too many names");
			return false;
		}
	}
	return true;
}

static bool
make_server(const char *ca_cert, const char *ca_key, const char *cert,
    const char *key, const char *names)
{
	X509 *ca = read_cert(ca_cert), *x = NULL;
	EVP_PKEY *signer = read_key(ca_key), *k = EVP_EC_gen("P-256");
	bool ok = false;

	if (ca == NULL || signer == NULL) {
		(void)failed("cannot read the local CA");
		goto done;
	}
	x = k != NULL ? blank(k, "Resguardo", SERVER_DAYS) : NULL;
	ok = x != NULL && X509_set_issuer_name(x, X509_get_subject_name(ca)) == 1 &&
	    extend(x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	    extend(x, ca, NID_key_usage, "critical,digitalSignature") &&
	    extend(x, ca, NID_ext_key_usage, "serverAuth") &&
	    extend(x, ca, NID_subject_key_identifier, "hash") &&
	    extend(x, ca, NID_authority_key_identifier, "keyid:always") &&
	    extend(x, ca, NID_subject_alt_name, names) &&
	    X509_sign(x, signer, EVP_sha256()) > 0;
	if (!ok)
		(void)failed("cannot make the server's certificate");
	ok = ok && write_key(k, key) && write_cert(x, cert);
done:
	X509_free(x);
	X509_free(ca);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(k);
	return ok;
}

bool
rsg_certificate_days(const char *path, int64_t *days)
{
	X509 *x = read_cert(path);
	int day = 0, sec = 0;
	bool ok;

	*days = 0;
	ok = x != NULL && ASN1_TIME_diff(&day, &sec, NULL, X509_get0_notAfter(x)) == 1;
	/* Half a day over is over. */
	*days = sec < 0 ? day - 1 : day;
	X509_free(x);
	ERR_clear_error();
	return ok;
}

bool
rsg_certificate_matches(const char *cert, const char *key)
{
	X509 *x = read_cert(cert);
	EVP_PKEY *k = read_key(key);
	bool ok = x != NULL && k != NULL && X509_check_private_key(x, k) == 1;

	X509_free(x);
	EVP_PKEY_free(k);
	ERR_clear_error();
	return ok;
}

enum rsg_exit
rsg_certificate_init(const struct rsg_args *a)
{
	static const char *const names[] = { "tls", "tls/ca.pem", "tls/ca.key",
	    "tls/server.pem", "tls/server.key" };
	char path[5][RSG_PATH_MAX], alternative[NAMES_MAX];
	int64_t days;

	for (int i = 0; i < 5; i++)
		if (!rsg_paths_state(path[i], RSG_STATE_OF(a), names[i]))
			return RSG_EXIT_FAILED;
	if (!alternative_names(a, alternative))
		return RSG_EXIT_USAGE;
	if (!rsg_paths_folder(RSG_STATE_OF(a)) || !rsg_paths_folder(path[0]))
		return RSG_EXIT_FAILED;
	if (!rsg_args_has(a, "host") && rsg_certificate_days(path[3], &days) &&
	    days >= RENEW_DAYS && rsg_certificate_matches(path[3], path[4])) {
		printf("certificate: %s is good for %lld days more\n", path[3],
		    (long long)days);
		return RSG_EXIT_OK;
	}
	if (!rsg_paths_exists(path[1]) && !rsg_paths_exists(path[2])) {
		if (!make_ca(path[1], path[2]))
			return RSG_EXIT_FAILED;
		printf("certificate: local CA %s (give it to your clients)\n", path[1]);
	} else if (!rsg_paths_exists(path[2])) {
		/* A certificate from elsewhere is not ours to replace. */
		rsg_tell_error("%s has no key beside it: renew the server's "
		    "certificate where it came from", path[1]);
		return RSG_EXIT_FAILED;
	}
	if (!make_server(path[1], path[2], path[3], path[4], alternative))
		return RSG_EXIT_FAILED;
	printf("certificate: %s for %s, %d days\n", path[3], alternative, SERVER_DAYS);
	return RSG_EXIT_OK;
}
