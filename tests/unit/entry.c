/*
 * entry.c - leaves of the log: what each key opens, what it does not, that no
 * byte of one can be another, and that those of version 1 are still read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/entry.h"
#include "resguardo/clock.h"
#include "seal_fixture.h"
#include "policy_files.h"

#define CONTROLLER	7

static struct rsg_keyring *ring;
static uint8_t evidence[RSG_KEY_LEN], text[RSG_ENTRY_TEXT];
static struct rsg_id ana;
static const struct rsg_service_name operations = { RSG_SERVICE_OPERATIONS, 0, 0 };

static struct rsg_entry
made(void)
{
	int64_t now = INT64_C(1790000000) * RSG_US;

	return (struct rsg_entry){ .id = rsg_entry_id(now), .class = RSG_ENTRY_ACCESS,
	    .time = now, .controller = CONTROLLER, .actor = rsg_id_new(),
	    .actor_name = "till-1", .role = "till", .staff = "Secreta Persona",
	    .place = "Zamora", .reason = "asked at the till", .action = "read",
	    .purpose = "loyalty_account", .decision = "ok", .clause = "till-card",
	    .basis = "contract", .recipient = "", .nfields = 2,
	    .action_no = 2, .purpose_no = 3, .recipient_no = 9,
	    .field = { "first_name", "email" }, .policy = { 1, 2, 3 } };
}

static struct rsg_buf leaf;
static uint8_t tag[RSG_TAG_LEN], hash[32];

static void
write_leaf(const struct rsg_entry *e, bool about)
{
	rsg_buf_reset(&leaf);
	assert_int_equal(rsg_entry_leaf(ring, e, about ? evidence : NULL,
	    about ? &ana : NULL, tag, &leaf, hash), RSG_OK);
}

static void
same_done(const struct rsg_entry *a, const struct rsg_entry *b)
{
	assert_true(rsg_id_eq(&a->id, &b->id));
	assert_int_equal(a->time, b->time);
	assert_string_equal(a->actor_name, b->actor_name);
	assert_string_equal(a->role, b->role);
	assert_string_equal(a->place, b->place);
	assert_string_equal(a->action, b->action);
	assert_string_equal(a->purpose, b->purpose);
	assert_string_equal(a->decision, b->decision);
	assert_string_equal(a->clause, b->clause);
	assert_string_equal(a->basis, b->basis);
	assert_string_equal(a->recipient, b->recipient);
	assert_int_equal(a->nfields, b->nfields);
	for (size_t i = 0; i < a->nfields; i++)
		assert_string_equal(a->field[i], b->field[i]);
	assert_memory_equal(a->policy, b->policy, sizeof(a->policy));
	assert_int_equal(a->people, b->people);
}

static void
test_the_operator_reads_all(void **state)
{
	struct rsg_entry e = made(), got;
	struct rsg_id subject;

	(void)state;
	write_leaf(&e, true);
	assert_int_equal(rsg_entry_open(ring, NULL, CONTROLLER, leaf.p, leaf.len, text,
	    &got), RSG_OK);
	same_done(&e, &got);
	assert_string_equal(got.staff, e.staff);
	assert_string_equal(got.reason, e.reason);
	assert_true(rsg_id_eq(&got.actor, &e.actor));
	assert_int_equal(got.action_no, 2);
	assert_int_equal(got.purpose_no, 3);
	assert_int_equal(got.recipient_no, 9);
	assert_int_equal(rsg_entry_about(ring, CONTROLLER, evidence, leaf.p, leaf.len,
	    &subject), RSG_OK);
	assert_true(rsg_id_eq(&subject, &ana));
	/* In another controller's place it is nothing. */
	assert_int_equal(rsg_entry_open(ring, NULL, CONTROLLER + 1, leaf.p, leaf.len, text,
	    &got), RSG_TAMPERED);
}

static void
test_as_many_fields_as_there_can_be(void **state)
{
	static char name[RSG_POLICY_FIELDS][65];
	struct rsg_entry e = made(), got;

	(void)state;
	for (e.nfields = 0; e.nfields < RSG_POLICY_FIELDS - 1; e.nfields++) {
		memset(name[e.nfields], 'a', 64);
		name[e.nfields][0] = (char)('0' + e.nfields % 64);
		e.field[e.nfields] = name[e.nfields];
	}
	memset(e.staff, 's', sizeof(e.staff) - 1);
	memset(e.reason, 'r', sizeof(e.reason) - 1);
	memset(e.place, 'p', sizeof(e.place) - 1);
	e.people = 3;
	write_leaf(&e, true);
	assert_int_equal(rsg_entry_open(ring, NULL, CONTROLLER, leaf.p, leaf.len, text,
	    &got), RSG_OK);
	same_done(&e, &got);
	assert_string_equal(got.staff, e.staff);
}

/* What it wrote is the operator's to read, in its order, and nobody else's. */
static void
test_effects(void **state)
{
	static struct rsg_effect wrote[RSG_EFFECTS_MAX + 1], x[RSG_EFFECTS_MAX];
	struct rsg_entry e = made(), got;
	size_t n;

	(void)state;
	for (size_t i = 0; i <= RSG_EFFECTS_MAX; i++) {
		wrote[i] = (struct rsg_effect){ .kind = (uint8_t)(1 + i % 6),
		    .key = rsg_id_new(), .digest = { (uint8_t)i },
		    .next = i < RSG_EFFECTS_MAX ? &wrote[i + 1] : NULL };
	}
	e.effects = &wrote[1];
	memset(e.staff, 's', sizeof(e.staff) - 1);
	memset(e.reason, 'r', sizeof(e.reason) - 1);
	write_leaf(&e, true);
	assert_int_equal(rsg_entry_effects(ring, CONTROLLER, leaf.p, leaf.len, text, &got,
	    x, &n), RSG_OK);
	same_done(&e, &got);
	assert_int_equal(n, RSG_EFFECTS_MAX);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(x[i].kind, wrote[i + 1].kind);
		assert_true(rsg_id_eq(&x[i].key, &wrote[i + 1].key));
		assert_memory_equal(x[i].digest, wrote[i + 1].digest, RSG_EFFECT_DIGEST);
	}
	e.effects = NULL;
	write_leaf(&e, true);
	assert_int_equal(rsg_entry_effects(ring, CONTROLLER, leaf.p, leaf.len, text, &got,
	    x, &n), RSG_OK);
	assert_int_equal(n, 0);
	e.effects = wrote;
	rsg_buf_reset(&leaf);
	assert_int_equal(rsg_entry_leaf(ring, &e, evidence, &ana, tag, &leaf, hash),
	    RSG_TOO_LARGE);
}

static bool
holds(const void *p, size_t len, const char *what)
{
	return memmem(p, len, what, strlen(what)) != NULL;
}

/* Shown to the person: what was done to them, and never by whom. */
static void
test_what_is_shown(void **state)
{
	struct rsg_entry e = made(), got;
	struct rsg_opening o;
	struct rsg_id subject;

	(void)state;
	write_leaf(&e, true);
	assert_int_equal(rsg_entry_opening(ring, evidence, leaf.p, leaf.len, &o), RSG_OK);
	assert_int_equal(rsg_entry_shown(&o, CONTROLLER, leaf.p, leaf.len, text, &got,
	    &subject), RSG_OK);
	same_done(&e, &got);
	assert_true(rsg_id_eq(&subject, &ana));
	assert_string_equal(got.staff, "");
	assert_string_equal(got.reason, "");
	assert_true(rsg_id_nil(&got.actor));
	assert_false(holds(text, sizeof(text), "Secreta"));
	assert_false(holds(leaf.p, leaf.len, "Zamora"));
	/* The hash that stands for who did it opens nothing. */
	memcpy(o.done, o.who, sizeof(o.done));
	assert_int_equal(rsg_entry_shown(&o, CONTROLLER, leaf.p, leaf.len, text, &got,
	    &subject), RSG_TAMPERED);
}

static void
test_openings_of_others(void **state)
{
	uint8_t other[RSG_KEY_LEN] = { 9 };
	struct rsg_entry e = made(), second = made(), got;
	struct rsg_opening o, mine;
	struct rsg_id subject;

	(void)state;
	write_leaf(&e, true);
	assert_int_equal(rsg_entry_opening(ring, other, leaf.p, leaf.len, &o), RSG_NOT_FOUND);
	assert_int_equal(rsg_entry_opening(ring, NULL, leaf.p, leaf.len, &o), RSG_NOT_FOUND);
	assert_int_equal(rsg_entry_about(ring, CONTROLLER, other, leaf.p, leaf.len,
	    &subject), RSG_NOT_FOUND);
	assert_int_equal(rsg_entry_opening(ring, evidence, leaf.p, leaf.len, &mine), RSG_OK);
	/* One entry's opening opens no other about the same person. */
	write_leaf(&second, true);
	assert_int_equal(rsg_entry_shown(&mine, CONTROLLER, leaf.p, leaf.len, text, &got,
	    &subject), RSG_TAMPERED);
	/* About nobody or many: it says so, and looks like the others. */
	size_t len = leaf.len;

	second.people = 5;
	second.class = RSG_ENTRY_BULK;
	memset(second.root, 0xaa, sizeof(second.root));
	write_leaf(&second, false);
	assert_true(leaf.len >= len);
	assert_int_equal(rsg_entry_opening(ring, NULL, leaf.p, leaf.len, &o), RSG_OK);
	assert_int_equal(rsg_entry_shown(&o, CONTROLLER, leaf.p, leaf.len, text, &got,
	    &subject), RSG_OK);
	assert_true(rsg_id_nil(&subject));
	assert_memory_equal(got.root, second.root, 32);
}

static void
test_no_byte_can_be_another(void **state)
{
	struct rsg_entry e = made(), got;
	struct rsg_opening o;
	struct rsg_id subject;

	(void)state;
	write_leaf(&e, true);
	assert_int_equal(rsg_entry_opening(ring, evidence, leaf.p, leaf.len, &o), RSG_OK);
	for (size_t i = 0; i < leaf.len; i++) {
		uint8_t before[32], after[32];
		bool in_tag = i >= 22 && i < 22 + RSG_TAG_LEN, is_class = i == 17;
		bool in_who;
		enum rsg_err r;

		rsg_entry_hash(leaf.p, leaf.len, before);
		leaf.p[i] ^= 1;
		rsg_entry_hash(leaf.p, leaf.len, after);
		assert_memory_not_equal(before, after, sizeof(before));
		/* Class and tag are covered by the log alone, and so is the part
		 * that is not opened here. */
		r = rsg_entry_shown(&o, CONTROLLER, leaf.p, leaf.len, text, &got, &subject);
		in_who = r == RSG_OK && rsg_entry_open(ring, NULL, CONTROLLER, leaf.p,
		    leaf.len, text, &got) == RSG_TAMPERED;
		if (!in_tag && !is_class && !in_who)
			assert_int_equal(r, RSG_TAMPERED);
		leaf.p[i] ^= 1;
	}
	for (size_t n = 0; n < leaf.len; n++)
		assert_int_equal(rsg_entry_shown(&o, CONTROLLER, leaf.p, n, text, &got,
		    &subject), RSG_TAMPERED);
	for (size_t i = 0; i < sizeof(o); i++) {
		((uint8_t *)&o)[i] ^= 1;
		assert_int_equal(rsg_entry_shown(&o, CONTROLLER, leaf.p, leaf.len, text,
		    &got, &subject), RSG_TAMPERED);
		((uint8_t *)&o)[i] ^= 1;
	}
}

/* --- Version 1, as it was written --- */

static void
sealed(const uint8_t key[RSG_KEY_LEN], enum rsg_seal_kind kind, const struct rsg_id *id,
    const void *p, size_t n)
{
	struct rsg_place_of at = { .kind = kind, .controller = CONTROLLER, .pk = *id,
	    .version = 1, .generation = 1 };

	rsg_buf_u16(&leaf, (uint16_t)rsg_seal_size(n));
	assert_int_equal(rsg_seal(key, &at, p, n, &leaf), RSG_OK);
}

static void
write_numbered(const struct rsg_entry *e, uint16_t purpose, uint16_t field)
{
	uint8_t done[RSG_KEY_LEN], about[RSG_KEY_LEN], half[2][32], commitment[32];
	struct rsg_buf b;

	rsg_buf_init(&b, 2048);
	rsg_buf_u64(&b, (uint64_t)e->time);
	rsg_buf_put(&b, e->actor.b, RSG_ID_LEN);
	rsg_buf_short(&b, e->actor_name);
	rsg_buf_short(&b, e->role);
	rsg_buf_short(&b, e->staff);
	rsg_buf_short(&b, e->place);
	rsg_buf_short(&b, e->reason);
	rsg_buf_u16(&b, RSG_ACT_READ);
	rsg_buf_u16(&b, purpose);
	rsg_buf_short(&b, e->decision);
	rsg_buf_short(&b, e->clause);
	rsg_buf_short(&b, e->basis);
	rsg_buf_u32(&b, 4);
	rsg_buf_u8(&b, 2);
	rsg_buf_u16(&b, field);
	rsg_buf_u16(&b, 126);			/* that no policy has any more */
	rsg_buf_put(&b, e->policy, sizeof(e->policy));
	rsg_buf_u32(&b, 0);
	assert_true(rsg_buf_ok(&b));
	assert_int_equal(rsg_service_derive(ring, operations, "audit-ops", &e->id, done),
	    RSG_OK);
	rsg_derive(evidence, "audit-about", &e->id, about);
	rsg_sha256((struct rsg_part[]){ { "k", 1 }, { e->id.b, 16 }, { done, 32 } }, 3, half[0]);
	rsg_sha256((struct rsg_part[]){ { "k", 1 }, { e->id.b, 16 }, { about, 32 } }, 3, half[1]);
	rsg_sha256((struct rsg_part[]){ { "c", 1 }, { e->id.b, 16 }, { half, 64 } }, 3,
	    commitment);
	rsg_buf_reset(&leaf);
	rsg_buf_u8(&leaf, 1);
	rsg_buf_put(&leaf, e->id.b, RSG_ID_LEN);
	rsg_buf_u8(&leaf, RSG_ENTRY_ACCESS);
	rsg_buf_u32(&leaf, (uint32_t)(e->time / (3600 * RSG_US)));
	rsg_entry_tag(evidence, rsg_clock_day(e->time), tag);
	rsg_buf_put(&leaf, tag, sizeof(tag));
	rsg_buf_put(&leaf, commitment, sizeof(commitment));
	sealed(done, RSG_SEAL_AUDIT_OPS, &e->id, b.p, b.len);
	sealed(about, RSG_SEAL_AUDIT_ABOUT, &e->id, ana.b, RSG_ID_LEN);
	rsg_buf_free(&b);
}

static void
test_version_1_is_read_and_not_shown(void **state)
{
	struct rsg_entry e = made(), got;
	const struct rsg_purposedef *p;
	const struct rsg_fielddef *f;
	struct rsg_policy *policy;
	struct rsg_buf bundle;
	struct rsg_opening o;
	struct rsg_id subject;

	(void)state;
	shipped_bundle(&bundle);
	policy = policy_of(bundle.p, bundle.len);
	rsg_buf_free(&bundle);
	p = rsg_policy_purpose_at(policy, 0);
	f = rsg_policy_field_at(policy, 0);
	write_numbered(&e, p->number, f->number);
	assert_int_equal(rsg_entry_open(ring, policy, CONTROLLER, leaf.p, leaf.len, text,
	    &got), RSG_OK);
	assert_string_equal(got.action, "read");
	assert_string_equal(got.purpose, p->id);
	assert_int_equal(got.recipient_no, 4);
	assert_int_equal(got.nfields, 1);
	assert_string_equal(got.field[0], f->id);
	assert_string_equal(got.staff, e.staff);
	assert_string_equal(got.reason, e.reason);
	assert_true(rsg_id_eq(&got.actor, &e.actor));
	assert_int_equal(rsg_entry_about(ring, CONTROLLER, evidence, leaf.p, leaf.len,
	    &subject), RSG_OK);
	assert_true(rsg_id_eq(&subject, &ana));
	/* It would show who did it. */
	assert_int_equal(rsg_entry_opening(ring, evidence, leaf.p, leaf.len, &o),
	    RSG_NOT_FOUND);
	rsg_policy_free(policy);
}

static int
setup(void **state)
{
	static const uint32_t one[] = { 1 };
	uint8_t wrapped[RSG_SERVICE_WRAPPED];

	if (fixture_init(state) != 0)
		return -1;
	ring = fixture_keyring(one, 1);
	assert_int_equal(rsg_service_new(ring, operations, wrapped), RSG_OK);
	ana = rsg_id_new();
	memset(evidence, 5, sizeof(evidence));
	rsg_buf_init(&leaf, RSG_LEAF_MAX);
	return 0;
}

static int
teardown(void **state)
{
	rsg_buf_free(&leaf);
	rsg_keyring_free(ring);
	return fixture_clean(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_operator_reads_all),
		cmocka_unit_test(test_as_many_fields_as_there_can_be),
		cmocka_unit_test(test_effects),
		cmocka_unit_test(test_what_is_shown),
		cmocka_unit_test(test_openings_of_others),
		cmocka_unit_test(test_no_byte_can_be_another),
		cmocka_unit_test(test_version_1_is_read_and_not_shown),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
