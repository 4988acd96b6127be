#include <stdio.h>
#include <string.h>

#include "cli/made.h"
#include "cli/words.h"
#include "resguardo/clock.h"
#include "resguardo/msg.h"

#define SEED	UINT64_C(0x526573677561)
#define YEARS	(2 * 365)		/* days of history */

struct person {
	uint64_t rng;
	unsigned n;
	bool spain, woman;
	const char *first, *last[2];
	const struct rsg_city *city;
	int64_t joined;			/* a day */
	int64_t news;			/* since when we may e-mail them; 0: not now */
};

/* --- Chance, the same each time --- */

/* splitmix64: small, and good enough for shopping. */
static uint64_t
next(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned
below(struct person *p, unsigned n)
{
	return (unsigned)(next(&p->rng) % n);
}

static unsigned
between(struct person *p, unsigned low, unsigned high)
{
	return low + below(p, high - low + 1);
}

static bool
percent(struct person *p, unsigned n)
{
	return below(p, 100) < n;
}

static const char *
word(struct person *p, const struct rsg_words *list)
{
	return list->w[below(p, (unsigned)list->n)];
}

/* Everything about a person follows from their number. */
static void
person(unsigned n, int64_t yesterday, struct person *p)
{
	p->rng = SEED + n;
	p->n = n;
	p->spain = percent(p, 55);
	p->woman = percent(p, 52);
	p->first = word(p, p->woman ? &rsg_words_women : &rsg_words_men);
	p->last[0] = word(p, &rsg_words_surnames);
	p->last[1] = word(p, &rsg_words_surnames);
	if (p->spain)
		p->city = &rsg_words_spain[below(p, (unsigned)rsg_words_nspain)];
	else
		p->city = &rsg_words_mexico[below(p, (unsigned)rsg_words_nmexico)];
	p->joined = yesterday - between(p, 30, YEARS);
}

/* Letters of an address: no accents, no blanks. */
static void
plain(const char *s, char *out, size_t size)
{
	static const struct { const char *from; char to; } map[] = {
		{ "Á", 'a' }, { "á", 'a' }, { "é", 'e' }, { "í", 'i' }, { "Ó", 'o' },
		{ "ó", 'o' }, { "ú", 'u' }, { "ñ", 'n' }, { "Í", 'i' },
	};
	size_t n = 0, i;

	while (*s != '\0' && n + 1 < size) {
		for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
			if (strncmp(s, map[i].from, 2) == 0)
				break;
		if (i < sizeof(map) / sizeof(map[0])) {
			out[n++] = map[i].to;
			s += 2;
			continue;
		}
		if (*s != ' ')
			out[n++] = (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
		s++;
	}
	out[n] = '\0';
}

static void
card(const struct person *p, struct rsg_made_card *c)
{
	static const char *const domains[] = { "example.com", "example.org",
	    "example.net" };
	char first[32], last[32];

	plain(p->first, first, sizeof(first));
	plain(p->last[0], last, sizeof(last));
	snprintf(c->email, sizeof(c->email), "%s.%s.%u@%s", first, last, p->n + 1,
	    domains[p->n % 3]);
	snprintf(c->customer_number, sizeof(c->customer_number), "C%06u", 100000 + p->n);
	snprintf(c->card_number, sizeof(c->card_number), "2990%08u", 10000000 + p->n * 37);
}

void
rsg_made_card(unsigned n, struct rsg_made_card *c)
{
	struct person p;

	person(n, 0, &p);
	card(&p, c);
}

/* --- Who they are --- */

static void
value(struct rsg_buf *b, const char *field, const char *text)
{
	size_t mark = rsg_msg_open(b, RSG_F_VALUES);

	rsg_msg_text(b, RSG_F_KEY, field);
	rsg_msg_text(b, RSG_F_VALUE, text);
	rsg_msg_close(b, mark);
}

static void
identity(struct person *p, struct rsg_buf *b)
{
	struct rsg_made_card c;
	char text[96];

	card(p, &c);
	value(b, "first_name", p->first);
	snprintf(text, sizeof(text), "%s %s", p->last[0], p->last[1]);
	value(b, "last_name", text);
	value(b, "email", c.email);
	value(b, "customer_number", c.customer_number);
	value(b, "card_number", c.card_number);
	/*
	 * Neither country keeps numbers for fiction. These begin with codes that
	 * no subscriber of theirs has.
	 */
	if (p->spain)
		snprintf(text, sizeof(text), "+34555%06u", below(p, 1000000));
	else
		snprintf(text, sizeof(text), "+52200%07u", below(p, 10000000));
	value(b, "phone", text);
}

static void
place(struct person *p, struct rsg_buf *b)
{
	char text[96];

	snprintf(text, sizeof(text), "%s, %u", word(p, &rsg_words_streets),
	    between(p, 1, 180));
	value(b, "street", text);
	value(b, "city", p->city->name);
	snprintf(text, sizeof(text), "%s%03u", p->city->postal, between(p, 1, 60));
	value(b, "postal_code", text);
	value(b, "region", p->city->region);
	value(b, "country", p->spain ? "ES" : "MX");
}

static void
likes(struct person *p, struct rsg_buf *b)
{
	static const char *const sizes[] = { "XS", "S", "M", "L", "XL" };
	static const char *const channels[] = { "email", "sms", "app", "none" };
	const char *one, *two;
	char text[64];

	value(b, "language", p->spain ? "es-ES" : "es-MX");
	snprintf(text, sizeof(text), "store-%u", between(p, 1, 12));
	value(b, "preferred_store", text);
	if (percent(p, 60))
		value(b, "preferred_channel", channels[below(p, 4)]);
	if (percent(p, 50)) {
		one = word(p, &rsg_words_interests);
		two = word(p, &rsg_words_interests);
		snprintf(text, sizeof(text), "%s%s%s", one,
		    one == two ? "" : ",", one == two ? "" : two);
		value(b, "interests", text);
	}
	if (percent(p, 40))
		value(b, "clothing_size", sizes[below(p, 5)]);
	if (percent(p, 30)) {
		snprintf(text, sizeof(text), "%u", between(p, 1, 5));
		value(b, "household_size", text);
	}
}

static void
consent(struct rsg_buf *b, const char *purpose, const char *channel,
    const char *decision, int64_t time)
{
	size_t mark = rsg_msg_open(b, RSG_F_CONSENTS);

	rsg_msg_text(b, RSG_F_PURPOSE, purpose);
	if (channel != NULL)
		rsg_msg_text(b, RSG_F_CHANNEL, channel);
	rsg_msg_text(b, RSG_F_DECISION, decision);
	rsg_msg_text(b, RSG_F_NOTICE, RSG_MADE_NOTICE);
	rsg_msg_int(b, RSG_F_NOTICE_VERSION, 1);
	rsg_msg_text(b, RSG_F_LANGUAGE, "es");
	rsg_msg_text(b, RSG_F_METHOD, "form");
	rsg_msg_int(b, RSG_F_TIME, time);
	rsg_msg_close(b, mark);
}

/* Asked when they joined: given, refused, or left open; some withdraw later. */
static void
consents(struct person *p, int64_t yesterday, struct rsg_buf *b)
{
	static const struct { const char *purpose, *channel; unsigned given; } asked[] = {
		{ "marketing", "email", 58 }, { "marketing", "sms", 35 },
		{ "marketing", "post", 20 }, { "personalised_offers", NULL, 55 },
		{ "segmentation", NULL, 62 }, { "advertising_audiences", "ads", 25 },
		{ "market_research", NULL, 30 },
	};
	int64_t then = p->joined * RSG_DAY_US + 11 * 3600 * RSG_US, later;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		if (percent(p, 12))
			continue;
		if (!percent(p, asked[i].given)) {
			consent(b, asked[i].purpose, asked[i].channel, "refuse", then);
			continue;
		}
		consent(b, asked[i].purpose, asked[i].channel, "give", then);
		if (i == 0)
			p->news = then;
		if (!percent(p, 12))
			continue;
		if (i == 0)
			p->news = 0;
		later = then + (int64_t)between(p, 1, (unsigned)(yesterday -
		    p->joined)) * RSG_DAY_US;
		consent(b, asked[i].purpose, asked[i].channel, "withdraw", later);
	}
}

static void
describe(struct person *who, int64_t yesterday, struct rsg_buf *b)
{
	struct person p = *who;
	char day[RSG_DAY_TEXT];
	size_t mark;

	mark = rsg_msg_open(b, RSG_F_CUSTOMERS);
	rsg_msg_int(b, RSG_F_LINE, (int64_t)p.n + 1);
	identity(&p, b);
	/* Between 22 and 84: grown-ups already when they joined. */
	rsg_clock_day_text(yesterday - (int64_t)between(&p, 22 * 366, 84 * 365), day);
	value(b, "birth_date", day);
	if (percent(&p, 85))
		value(b, "gender", p.woman ? "female" : "male");
	place(&p, b);
	likes(&p, b);
	consents(&p, yesterday, b);
	rsg_msg_text(b, RSG_F_JURISDICTION, p.spain ? "ES" : "MX");
	rsg_msg_text(b, RSG_F_LANGUAGE, "es");
	rsg_msg_text(b, RSG_F_SOURCE, "self");
	rsg_msg_int(b, RSG_F_COLLECTED, p.joined * RSG_DAY_US + 11 * 3600 * RSG_US);
	rsg_msg_close(b, mark);
	who->news = p.news;
}

void
rsg_made_customer(unsigned n, int64_t yesterday, struct rsg_buf *b)
{
	struct person p;

	person(n, yesterday, &p);
	describe(&p, yesterday, b);
}

/* --- What they got --- */

/* Given at one time, and used at another; 0: it was not. */
static void
benefit(const struct person *p, const char *offer, int64_t promised,
    int64_t delivered, int64_t redeemed, struct rsg_buf *b)
{
	size_t mark = rsg_msg_open(b, RSG_F_OLD_BENEFITS);
	struct rsg_made_card card;
	char record[48];

	rsg_made_card(p->n, &card);
	snprintf(record, sizeof(record), "%s-%u", offer, p->n);
	rsg_msg_text(b, RSG_F_LOOKUP_VALUE, card.customer_number);
	rsg_msg_text(b, RSG_F_RECORD, record);
	rsg_msg_text(b, RSG_F_INCENTIVE, offer);
	rsg_msg_int(b, RSG_F_INCENTIVE_VERSION, 1);
	rsg_msg_int(b, RSG_F_PROMISED_AT, promised);
	if (delivered != 0)
		rsg_msg_int(b, RSG_F_DELIVERED_AT, delivered);
	if (redeemed != 0)
		rsg_msg_int(b, RSG_F_REDEEMED_AT, redeemed);
	rsg_msg_close(b, mark);
}

size_t
rsg_made_benefits(unsigned n, int64_t yesterday, struct rsg_buf *b)
{
	int64_t noon = (yesterday - 20) * RSG_DAY_US + 12 * 3600 * RSG_US;
	struct rsg_buf unused;
	struct person p;
	size_t given = 0;

	person(n, yesterday, &p);
	rsg_buf_init(&unused, RSG_MSG_MAX);
	describe(&p, yesterday, &unused);
	rsg_buf_free(&unused);
	if (p.news == 0)
		return 0;
	/* The first customer is left for who tries it; some promises are late. */
	if (n > 0 && p.news + 3 * RSG_DAY_US < noon) {
		benefit(&p, "welcome-200", p.news + RSG_US, n % 12 == 0 ? 0 :
		    p.news + 2 * RSG_DAY_US, 0, b);
		given++;
	}
	if (n % 3 == 0 && p.news < noon) {
		benefit(&p, "batteries", noon, noon + RSG_DAY_US, n % 2 == 0 ? 0 :
		    noon + 5 * RSG_DAY_US, b);
		given++;
	}
	return given;
}

/* --- What they bought --- */

struct line {
	const char *kind, *store, *payment, *document, *category;
	char item[32];
	int64_t time;
	unsigned cents, cost, quantity;
};

static void
money(struct rsg_buf *b, enum rsg_field field, unsigned cents)
{
	char text[16];

	snprintf(text, sizeof(text), "%u.%02u", cents / 100, cents % 100);
	rsg_msg_text(b, field, text);
}

static void
event(const char *customer, const struct line *l, struct rsg_buf *b)
{
	size_t mark = rsg_msg_open(b, RSG_F_EVENTS);

	rsg_msg_text(b, RSG_F_LOOKUP_FIELD, "customer_number");
	rsg_msg_text(b, RSG_F_LOOKUP_VALUE, customer);
	rsg_msg_text(b, RSG_F_KIND, l->kind);
	rsg_msg_int(b, RSG_F_TIME, l->time);
	money(b, RSG_F_AMOUNT, l->cents);
	money(b, RSG_F_COST, l->cost);
	rsg_msg_text(b, RSG_F_CURRENCY, "EUR");
	rsg_msg_text(b, RSG_F_CATEGORY, l->category);
	rsg_msg_text(b, RSG_F_STORE, l->store);
	rsg_msg_text(b, RSG_F_PAYMENT, l->payment);
	rsg_msg_text(b, RSG_F_DOCUMENT, l->document);
	rsg_msg_text(b, RSG_F_ITEM, l->item);
	rsg_msg_int(b, RSG_F_QUANTITY, (int64_t)l->quantity);
	rsg_msg_int(b, RSG_F_ORDINAL, 0);
	rsg_msg_text(b, RSG_F_ORIGIN, "demo");
	rsg_msg_close(b, mark);
}

/* A ticket of one to three lines; now and then one of them comes back. */
static size_t
ticket(struct person *p, unsigned number, int64_t day, int64_t yesterday,
    struct rsg_buf *b)
{
	static const char *const payments[] = { "card", "card", "cash", "wallet" };
	char document[32], back[32], store[16];
	struct rsg_made_card c;
	unsigned lines = between(p, 1, 3);
	struct line l = { .kind = "purchase" };
	size_t n = 0;

	card(p, &c);
	snprintf(document, sizeof(document), "T%u-%u", p->n + 1, number);
	snprintf(back, sizeof(back), "D%u-%u", p->n + 1, number);
	if (percent(p, 25))
		snprintf(store, sizeof(store), "web");
	else
		snprintf(store, sizeof(store), "store-%u", between(p, 1, 12));
	l.store = store;
	l.payment = payments[below(p, 4)];
	for (unsigned i = 0; i < lines; i++, n++) {
		l.kind = "purchase";
		l.document = document;
		l.time = day * RSG_DAY_US +
		    (int64_t)between(p, 9 * 60, 20 * 60) * 60 * RSG_US;
		l.category = word(p, &rsg_words_interests);
		snprintf(l.item, sizeof(l.item), "%s-%s-%u", l.category,
		    word(p, &rsg_words_items), i + 1);
		l.quantity = percent(p, 80) ? 1 : between(p, 2, 4);
		/* Most things are cheap. */
		l.cents = (between(p, 1, 25) * between(p, 1, 40) * 10 + 95) * l.quantity;
		l.cost = l.cents * between(p, 45, 75) / 100;
		event(c.customer_number, &l, b);
		if (!percent(p, 4) || day + 20 > yesterday)
			continue;
		l.kind = "return";
		l.document = back;
		l.time += (int64_t)between(p, 1, 15) * RSG_DAY_US;
		event(c.customer_number, &l, b);
		n++;
	}
	return n;
}

size_t
rsg_made_events(unsigned n, int64_t yesterday, struct rsg_buf *b)
{
	struct person p;
	unsigned kind, tickets, span;
	size_t events = 0;

	person(n, yesterday, &p);
	p.rng ^= UINT64_C(0x6576656e7473);	/* apart from who they are */
	span = (unsigned)(yesterday - p.joined);
	kind = below(&p, 100);
	if (kind < 40)
		tickets = between(&p, 1, 3);
	else if (kind < 80)
		tickets = between(&p, 4, 12);
	else if (kind < 95)
		tickets = between(&p, 13, 26);
	else {
		/* Came a few times, and not again. */
		tickets = between(&p, 1, 4);
		span = span / 6 + 1;
	}
	for (unsigned i = 0; i < tickets; i++)
		events += ticket(&p, i + 1, p.joined + below(&p, span + 1), yesterday, b);
	return events;
}
