"""A table with everything wrong that can be: a reason a line, and no value of anybody's."""
import os

import shop
from test_benefits import incentive, publish
from test_import import tally
from test_import_past import benefits, history, people, people_of

HEAD = "ref;number;topic;by;said;when;notice;version;proof;how;guardian;note"
MAPPING = {
    "title": "Answers", "what": "consents", "delimiter": ";", "origin": "csv",
    "person": {"field": "customer_number", "column": "number"}, "record": "ref",
    "purpose": "topic", "channel": "by", "decision": "said", "notice": "notice",
    "notice_version": "version", "language": {"constant": "es"}, "evidence": "proof",
    "method": "how", "on_behalf": "guardian", "words": "note",
    "time": {"column": "when", "format": "date", "zone": "Europe/Madrid"},
}
GIFTS = {
    "title": "Gifts", "what": "benefits", "delimiter": ";", "origin": "csv",
    "person": {"field": "customer_number", "column": "number"}, "record": "ref",
    "incentive": "gift", "code": "code", "document": "note",
    "delivered_at": {"column": "given", "format": "date", "zone": "Europe/Madrid"},
    "redeemed_at": {"column": "used", "format": "date", "zone": "Europe/Madrid"},
}
SECRET = "Zarzuela-4711"        # what no list and no log may repeat


def run(stack, what, mapping, table):
    f = shop.write(stack, "table-%d.csv" % stack.number(), [table])
    out = stack.cli("import", what, f, "--map", shop.write(stack, "table.map.json", [mapping]),
                    "--controller", "acme", "--basis", "consent", "--rejects",
                    f + ".rejects", check=False)
    with open(f + ".rejects") as r:
        got = r.read()
    for said in (out.stdout, out.stderr, got, stack.log(), stack.pg_log()):
        assert SECRET not in said
    assert out.stderr == "" and not os.path.exists(f + ".rejects.noted")
    return out, got.splitlines()[1:]


def test_a_table_of_answers(stack):
    people(stack, "V-1")
    people(stack, "V-kid", birth_date="2016-05-05")

    def line(ref, number="V-1", topic="marketing", by="email", said="give", when="2019-03-01",
             notice="privacy", version="1", proof="original", how="checkbox", guardian="",
             note=SECRET):
        return ";".join((ref, number, topic, by, said, when, notice, version, proof, how,
                         guardian, note))
    table = [
        HEAD, line("1"), line("2", topic=SECRET), line("3", by=SECRET), line("4", notice=SECRET),
        line("5", version="9"), line("6", "V-kid", when="2024-01-01"),
        line("7", topic="dietary_service", by="", how="silence"), line("8", when="2099-01-01"),
        line("9", when="2001-01-01"), line("1", when="2019-03-02"), line("10", SECRET),
        line("11", said=SECRET), line("12") + ";" + SECRET, '13;"' + SECRET,
        line("14", when=SECRET), line("15", "V-kid", when="2024-01-01", guardian=SECRET), "",
        line("16", by="sms"), line("17", said="withdraw", when="2020-01-01", notice="",
                                   version="", proof="")]
    expected = [
        "3,unknown-purpose,purpose", "4,bad-value,channel", "5,unknown-notice,notice",
        "6,unknown-notice,notice", "7,guardian-required,on_behalf",
        "8,explicit-consent-required,method", "9,bad-value,time", "10,notice-unfit,time",
        "11,record-differs,record", "12,not-found,customer_number", "13,bad-value,decision",
        "14,wrong-number-of-columns,", "15,misplaced-quote,", "16,bad-value,time",
        "17,not-found,on_behalf"]
    out, got = run(stack, "consents", MAPPING, "\r\n".join(table) + "\r\n")
    assert got == expected, [x for x in zip(got, expected) if x[0] != x[1]]
    assert tally(out.stdout) == (18, 3, 0, 15) and out.returncode == 1
    assert [h["status"] for h in history(stack, people_of(stack, "V-1"))] == [
        "given", "given", "withdrawn"]
    out, got = run(stack, "consents", MAPPING, "\r\n".join(table[:2] + table[-2:]))
    assert (out.returncode, got, tally(out.stdout)) == (0, [], (3, 0, 3, 0))


def test_a_table_of_gifts(stack):
    who = people(stack, "V-a", "V-b", "V-no")
    publish(stack, incentive("v-coupon", "coupon", value="5.00",
                             recurrence={"times": 50, "per": "ever"}))
    words = ["yes-%s;%s;personalised_offers;;%s;2019-01-01;privacy;1;original;checkbox;;" % (
        n, n, "refuse" if n == "V-no" else "give") for n in who]
    words.append("left;V-a;personalised_offers;;withdraw;2022-01-01;;;;;;")
    assert run(stack, "consents", MAPPING, "\n".join([HEAD] + words))[0].returncode == 0
    table = [
        "ref;number;gift;given;used;code;note",
        "1;V-a;v-coupon;2019-06-01;2019-06-02;Vale-1;" + SECRET,
        "2;V-a;" + SECRET + ";2019-06-01;;;",
        "3;V-a;v-coupon;2099-06-01;;;",
        "4;V-no;v-coupon;2019-06-01;;;",                    # refused
        "5;V-a;v-coupon;2022-06-01;;;",                     # withdrawn
        "6;V-a;v-coupon;2018-06-01;;;",                     # before the yes
        "1;V-a;v-coupon;2019-06-01;2019-06-09;Vale-1;",     # redeemed again
        "7;V-b;v-coupon;2019-06-01;2019-06-02;VALE1;",      # by another
        "8;V-b;v-coupon;2019-06-01;;" + SECRET + "?;",
        "9;" + SECRET + ";v-coupon;2019-06-01;;;",
        "1;V-a;v-coupon;2019-06-01;2019-06-02;Vale-1;T-other",
        "10;V-b;v-coupon;2019-06-01;;Vale-2;"]
    expected = [
        "3,unknown-incentive,incentive", "4,bad-value,delivered_at",
        "5,no-live-consent,delivered_at", "6,no-live-consent,delivered_at",
        "7,no-live-consent,delivered_at", "8,benefit-state,redeemed_at",
        "9,already-exists,code", "10,bad-value,code", "11,not-found,customer_number",
        "12,record-differs,record"]
    out, got = run(stack, "benefits", GIFTS, "\n".join(table) + "\n")
    assert got == expected, [x for x in zip(got, expected) if x[0] != x[1]]
    assert tally(out.stdout) == (12, 2, 0, 10) and out.returncode == 1
    assert [len(benefits(stack, one)) for one in who.values()] == [1, 1, 0]
