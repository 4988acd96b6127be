#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "subject/header.h"

/* A header that uses everything, up to the limits. */
static void
fill(struct rsg_header *h, size_t grants)
{
	memset(h, 0, sizeof(*h));
	h->state = RSG_STATE_RESTRICTED;
	strcpy(h->jurisdiction, "MX-CMX");
	strcpy(h->language, "es");
	h->activity_version = UINT32_MAX;
	h->consent.count = 3;
	memset(h->consent.head, 0xc5, sizeof(h->consent.head));
	h->benefit.count = UINT32_MAX;
	memset(h->benefit.head, 0xbe, sizeof(h->benefit.head));
	for (unsigned i = 0; i < RSG_POLICY_FIELDS; i++) {
		h->field_version[i] = UINT32_MAX - i;
		h->field_present[i] = i % 2;
	}
	for (unsigned i = 0; i < RSG_POLICY_FACETS; i++)
		h->facet[i] = (uint16_t)(UINT16_MAX - i);
	h->guesses = (struct rsg_guesses){ UINT32_MAX, INT64_MAX };
	/* From the last to the first, so that the order is the header's own. */
	for (size_t i = grants; i-- > 0;)
		assert_int_equal(rsg_header_grant(h, (uint16_t)(1 + i / 6),
		    (enum rsg_channel)(i % 6), i < RSG_HEADER_OPEN ? RSG_STATUS_GIVEN :
		    RSG_STATUS_OBJECTED, INT64_MIN + (int64_t)i,
		    i < RSG_HEADER_OPEN ? INT64_MAX : 0), RSG_OK);
}

static void
same(const struct rsg_header *a, const struct rsg_header *b)
{
	assert_int_equal(a->state, b->state);
	assert_string_equal(a->jurisdiction, b->jurisdiction);
	assert_string_equal(a->language, b->language);
	assert_int_equal(a->activity_version, b->activity_version);
	assert_memory_equal(&a->consent, &b->consent, sizeof(a->consent));
	assert_memory_equal(&a->benefit, &b->benefit, sizeof(a->benefit));
	assert_memory_equal(a->field_version, b->field_version, sizeof(a->field_version));
	assert_memory_equal(a->field_present, b->field_present, sizeof(a->field_present));
	assert_memory_equal(a->facet, b->facet, sizeof(a->facet));
	assert_int_equal(a->guesses.wrong, b->guesses.wrong);
	assert_int_equal(a->guesses.since, b->guesses.since);
	assert_int_equal(a->ngrants, b->ngrants);
	assert_memory_equal(a->grant, b->grant, a->ngrants * sizeof(a->grant[0]));
}

static void
round_trip(const struct rsg_header *h)
{
	static struct rsg_header back;
	static struct rsg_headscan scan;
	struct rsg_buf b;

	rsg_buf_init(&b, RSG_HEADER_MAX);
	rsg_header_put(h, &b);
	assert_int_equal(rsg_buf_err(&b), RSG_OK);
	assert_int_equal(rsg_header_get(&back, b.p, b.len), RSG_OK);
	same(h, &back);
	assert_int_equal(rsg_header_scan(&scan, b.p, b.len), RSG_OK);
	assert_int_equal(scan.state, h->state);
	assert_int_equal(scan.activity_version, h->activity_version);
	assert_int_equal(scan.ngrants, h->ngrants);
	assert_memory_equal(scan.grant, h->grant, h->ngrants * sizeof(h->grant[0]));
	/* Every shorter form and a longer one are refused. */
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(rsg_header_get(&back, b.p, n), RSG_TAMPERED);
	rsg_buf_free(&b);
	rsg_buf_init(&b, RSG_HEADER_MAX + 1);
	rsg_header_put(h, &b);
	rsg_buf_u8(&b, 0);
	assert_int_equal(rsg_header_get(&back, b.p, b.len), RSG_TAMPERED);
	rsg_buf_free(&b);
}

static void
every_header_comes_back(void **state)
{
	static struct rsg_header h;

	(void)state;
	fill(&h, RSG_HEADER_GRANTS);
	assert_int_equal(h.ngrants, RSG_HEADER_GRANTS);
	round_trip(&h);
	memset(&h, 0, sizeof(h));
	h.state = RSG_STATE_ACTIVE;
	round_trip(&h);
}

static void
a_common_header_is_small(void **state)
{
	static struct rsg_header h;
	struct rsg_buf b;

	(void)state;
	memset(&h, 0, sizeof(h));
	h.state = RSG_STATE_ACTIVE;
	strcpy(h.jurisdiction, "MX");
	strcpy(h.language, "es");
	h.activity_version = 9;
	h.consent.count = 2;
	for (unsigned i = 1; i <= 6; i++)
		h.field_version[i] = h.field_present[i] = 1;
	assert_int_equal(rsg_header_grant(&h, 3, RSG_CHANNEL_NONE, RSG_STATUS_GIVEN, 1, 0), RSG_OK);
	assert_int_equal(rsg_header_grant(&h, 4, RSG_CHANNEL_EMAIL, RSG_STATUS_GIVEN, 1, 0), RSG_OK);
	rsg_buf_init(&b, RSG_HEADER_MAX);
	rsg_header_put(&h, &b);
	assert_true(b.len <= 90);
	rsg_buf_free(&b);
}

static void
a_grant_replaces_the_one_before(void **state)
{
	static struct rsg_header h;

	(void)state;
	fill(&h, RSG_HEADER_GRANTS);
	assert_int_equal(rsg_header_grant(&h, 2, RSG_CHANNEL_SMS, RSG_STATUS_WITHDRAWN,
	    7, 0), RSG_OK);
	assert_int_equal(h.ngrants, RSG_HEADER_GRANTS);
	assert_int_equal(h.grant[8].status, RSG_STATUS_WITHDRAWN);
	assert_int_equal(h.grant[8].since, 7);
	assert_int_equal(rsg_header_grant(&h, 99, RSG_CHANNEL_SMS, RSG_STATUS_OBJECTED,
	    7, 0), RSG_TOO_LARGE);
	/* One yes less makes room for one more, and for no second. */
	h.ngrants = RSG_HEADER_GRANTS - 2;
	assert_int_equal(rsg_header_grant(&h, 99, RSG_CHANNEL_SMS, RSG_STATUS_GIVEN,
	    7, 0), RSG_OK);
	assert_int_equal(rsg_header_grant(&h, 99, RSG_CHANNEL_EMAIL, RSG_STATUS_REQUESTED,
	    7, 0), RSG_TOO_LARGE);
	round_trip(&h);
}

/* What could not be read again is not written either. */
static void
grants_out_of_order_are_not_written(void **state)
{
	static struct rsg_header h;
	struct rsg_buf b;

	(void)state;
	fill(&h, 2);
	h.grant[1] = h.grant[0];
	rsg_buf_init(&b, RSG_HEADER_MAX);
	rsg_header_put(&h, &b);
	assert_int_not_equal(rsg_buf_err(&b), RSG_OK);
	rsg_buf_free(&b);
}

/* One changed byte gives another header or none, never a crash. */
static void
no_byte_can_do_harm(void **state)
{
	static struct rsg_header h, back;
	static struct rsg_headscan scan;
	struct rsg_buf b, again;

	(void)state;
	fill(&h, 5);
	rsg_buf_init(&b, RSG_HEADER_MAX);
	rsg_buf_init(&again, RSG_HEADER_MAX);
	rsg_header_put(&h, &b);
	for (size_t i = 0; i < b.len; i++) {
		for (unsigned v = 1; v < 256; v++) {
			b.p[i] ^= (uint8_t)v;
			/* What is read has one form only, and a scan reads it too. */
			if (rsg_header_scan(&scan, b.p, b.len) == RSG_OK &&
			    rsg_header_get(&back, b.p, b.len) == RSG_OK) {
				rsg_buf_reset(&again);
				rsg_header_put(&back, &again);
				assert_int_equal(again.len, b.len);
				assert_memory_equal(again.p, b.p, b.len);
			}
			b.p[i] ^= (uint8_t)v;
		}
	}
	rsg_buf_free(&b);
	rsg_buf_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_header_comes_back),
		cmocka_unit_test(a_common_header_is_small),
		cmocka_unit_test(a_grant_replaces_the_one_before),
		cmocka_unit_test(grants_out_of_order_are_not_written),
		cmocka_unit_test(no_byte_can_do_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
