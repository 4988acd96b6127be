"""What a receipt says beside the answer: all that was given, what was lacking, and
whether a yes is one already."""
import html
import json
import re

import pytest

from refuse import STAFF, TILL
from test_benefits import give, incentive, publish, redeem
from test_consent_twice import asked, confirm, twice  # noqa: F401  (a fixture)
from test_receipts import is_good, receipt, say, verify
from test_receipts_benefits import checked

LEAVING = {"en": "They stay yours.", "es": "Siguen siendo suyos."}
NEVER = "00010203-0405-4607-8809-0a0b0c0d0e0f"
FOR = dict(purpose="marketing", channel="email")


def about(name, **more):
    words = {"en": "In English: " + name, "es": "En español: " + name}
    return dict(FOR, title=words, summary=words, withdrawal={
        "takes_back": False, "text": LEAVING}, **more)


@pytest.fixture(scope="module")
def shop(stack):
    for name, kind, more in (
            ("w-points", "points", dict(points=200, value="2.00")),
            ("w-coupon", "coupon", dict(value="5.00", valid_days=30)),
            ("w-gift", "gift", dict(value="1.50", deliver_days=9)),
            ("w-draw", "draw", dict(value="0.00"))):
        publish(stack, incentive(name, kind, **about(name, **more)))
    return stack


def somebody(stack, language="es", jurisdiction="ES"):
    r = stack.http("POST", "/v1/subjects", stack.keys["till"], headers=TILL, json={
        "fields": {"first_name": "Ana"}, "language": language,
        "jurisdiction": jurisdiction})
    assert r.status == 201, r
    return r.json()["subject"]


def given(payload):
    process = payload["dpv:hasRecordOfActivity"]["dpv:hasProcess"]
    return process.get("dpv:hasConsequence", []), process.get("resguardo:benefitsNotShown", 0)


def event(payload):
    return payload["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"]


def page(stack, who, n):
    r = receipt(stack, who, n, "text/html")
    assert r.status == 200, r
    for mark in ("<script", "href=", "src=", " style=", "resguardo:", "dpv:"):
        assert mark not in r.text, mark
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", r.text)))


def test_every_benefit_is_named_as_it_stands(shop):
    s, who = shop, somebody(shop)
    n = say(s, who, "give")
    other = say(s, who, "give", channel="sms")

    def got(action, **more):
        r = give(s, who, action, **more)
        assert r.status == 200, r
        return r.json()
    points = got("deliver", incentive="w-points", consent_sequence=n)["benefit"]
    coupon = got("deliver", incentive="w-coupon", consent_sequence=n)
    gift = got("promise", incentive="w-gift", consent_sequence=n)["benefit"]
    draw = got("promise", incentive="w-draw", consent_sequence=n)["benefit"]
    assert redeem(s, coupon["code"]).status == 200
    got("reverse", benefit=draw, cause="error")
    payload = checked(s, receipt(s, who, n))
    shown, more = given(payload)
    assert more == 0 and coupon["code"] not in json.dumps(payload)
    assert [(b["@id"][9:], b["resguardo:kind"], b["resguardo:state"]) for b in shown] == [
        (draw, "draw", "reversed"), (gift, "gift", "promised"),
        (coupon["benefit"], "coupon", "redeemed"), (points, "points", "delivered")]
    for b in shown:
        name = "w-" + b["resguardo:kind"]
        assert b["dct:description"] == b["dct:title"] == "En español: " + name
        assert b["resguardo:incentive"] == name + ":1"
        assert b["resguardo:onWithdrawal"] == LEAVING["es"]
        assert ("resguardo:promisedAt" in b) == (b["resguardo:kind"] in ("gift", "draw"))
        assert ("resguardo:deliveredAt" in b) == (b["resguardo:kind"] in ("coupon", "points"))
    assert (shown[0]["resguardo:cause"], "resguardo:reversedAt" in shown[0]) == ("error", True)
    assert "resguardo:dueAt" in shown[1] and "resguardo:dueAt" not in shown[0]
    assert "resguardo:redeemedAt" in shown[2] and "resguardo:validUntil" not in shown[2]
    assert (shown[2]["resguardo:value"], shown[2]["resguardo:currency"]) == ("5.00", "EUR")
    assert "resguardo:value" not in shown[0]        # it is worth nothing
    assert shown[3]["resguardo:points"] == 200
    # The same in words, and on the page.
    said = receipt(s, who, n).json()["said"]
    assert [b["benefit"] for b in said["in_return"]] == [b["@id"][9:] for b in shown]
    assert [b["status"] for b in said["in_return"]] == [b["resguardo:state"] for b in shown]
    assert "not_shown" not in said and coupon["code"] not in json.dumps(said)
    text = page(s, who, n)
    for words in ("Lo que recibe a cambio", "200 puntos. Valor: 2,00 EUR", "lo tendrá antes del",
                  "usado el", "anulado el", "(fue un error)", "Si lo retira: " + LEAVING["es"]):
        assert words in text, (words, text)
    assert coupon["code"] not in text
    # Of another answer it says nothing.
    assert given(checked(s, receipt(s, who, other))) == ([], 0)
    assert "Lo que recibe" not in page(s, who, other)
    # Nothing is promised any more to who has withdrawn, and the yes says so.
    say(s, who, "withdraw")
    shown, _ = given(checked(s, receipt(s, who, n)))
    assert shown[1]["resguardo:state"] == "promised" and "resguardo:dueAt" not in shown[1]
    text = page(s, who, n)
    assert "lo tendrá antes del" not in text and "Esto ha cambiado después" in text
    assert "resguardo:answeredSince" in event(checked(s, receipt(s, who, n)))


@pytest.mark.parametrize("letters", [1, 4000])
def test_a_hundred_benefits_never_fail(shop, letters):
    """The newest are shown; of the others it says how many they are."""
    s, who, n = shop, somebody(shop), 0
    name = "many-%d" % letters
    text = {"en": "x" * letters, "es": '"' * letters}
    publish(s, incentive(name, "points", points=1, summary=text, **dict(
        FOR, recurrence={"times": 100, "per": "ever"},
        withdrawal={"takes_back": False, "text": text})))
    n = say(s, who, "give")
    ids = []
    for _ in range(100):
        r = give(s, who, "deliver", incentive=name, consent_sequence=n)
        assert r.status == 200, r
        ids.append(r.json()["benefit"])
    r = receipt(s, who, n)
    payload = checked(s, r)
    shown, more = given(payload)
    assert 1 <= len(shown) <= 24 and len(shown) + more == 100
    assert len(shown) == 24 or letters > 1
    assert [b["@id"][9:] for b in shown] == ids[::-1][:len(shown)]
    said = r.json()["said"]
    assert (len(said["in_return"]), said["not_shown"]) == (len(shown), more)
    assert "%d anteriores no se muestran aquí" % more in page(s, who, n)
    text = verify(s, r.json()["receipt"])
    assert is_good(text) and "and %d older" % more in text


@pytest.mark.parametrize("language,words", [
    ("es", ("Qué faltaba en qué lugar se anotó", "Su no vale igualmente.",
            "el formulario que se")),
    ("en", ("What was missing in which place it was noted", "Your no counts all the same.",
            "the form that was named"))])
def test_what_was_lacking_stands_in_it(stack, language, words):
    s, who = stack, somebody(stack, language)
    n = say(s, who, "give")
    assert "resguardo:lacking" not in event(checked(s, receipt(s, who, n)))
    assert words[1] not in page(s, who, n)
    body = dict(FOR, decision="withdraw", attachment=NEVER)
    r = s.http("POST", "/v1/subjects/%s/consents" % who, s.keys["till"], json=body)
    assert r.status == 200, r
    n = r.json()["sequence"]
    payload = checked(s, receipt(s, who, n))
    assert event(payload)["resguardo:lacking"] == ["place", "attachment"]
    assert receipt(s, who, n).json()["said"]["lacking"] == ["place", "attachment"]
    text = page(s, who, n)
    assert all(w in text for w in words), text
    history = s.http("GET", "/v1/subjects/%s/consents/history" % who, s.keys["officer"],
                     headers=STAFF).json()["events"]
    assert history[-1]["lacking"] == ["place", "attachment"]
    assert "attachment" not in history[-1]
    said = verify(s, receipt(s, who, n).json()["receipt"])
    assert is_good(said) and "place, attachment" in said


def test_a_yes_that_waits_for_its_code_says_so(twice):  # noqa: F811
    s, who = twice, somebody(twice)
    code = asked(s, who)
    payload = checked(s, receipt(s, who, 1))
    waits = event(payload)["resguardo:confirmation"]
    assert waits["resguardo:state"] == "awaited"
    assert event(payload)["@type"] == "dpv:ConsentRequested"
    said = receipt(s, who, 1).json()["said"]
    assert (said["status"], said["confirmation"]) == ("requested", "awaited")
    assert said["code_until"] == waits["resguardo:codeUntil"]
    text = page(s, who, 1)
    assert "todavía no vale" in text and "cuando escriba el código" in text, text
    assert code not in text and code not in json.dumps(payload)
    text = verify(s, receipt(s, who, 1).json()["receipt"])
    assert is_good(text) and "not in force until its code is typed" in text, text
    assert confirm(s, who, code).status == 200
    # Asked again, the first says that it was answered; the yes, when it was confirmed.
    payload = checked(s, receipt(s, who, 1))
    assert event(payload)["resguardo:confirmation"]["resguardo:state"] == "answered"
    assert "todavía no vale" not in page(s, who, 1)
    assert "lo que cuenta" in page(s, who, 1)
    yes = event(checked(s, receipt(s, who, 2)))
    assert yes["resguardo:status"] == "given" and "resguardo:confirmedAt" in yes
    assert "resguardo:confirmation" not in yes
    assert "Confirmado el" in page(s, who, 2)
    # In English, and with a no in between: it never was a yes.
    who = somebody(s, "en")
    asked(s, who)
    assert "it is not in force yet" in page(s, who, 1)
    assert s.consent(who, "withdraw", "marketing", channel="email").status == 200
    assert "not in force yet" not in page(s, who, 1)
    assert event(checked(s, receipt(s, who, 1)))["resguardo:confirmation"][
        "resguardo:state"] == "answered"


def test_mexico_says_it_in_its_own_words(shop):
    s, who = shop, somebody(shop, "es", "MX")
    n = say(s, who, "give")
    assert give(s, who, "deliver", incentive="w-points", consent_sequence=n).status == 200
    text = page(s, who, n)
    assert "Puede revocar este sí" in text and "Si lo revoca: " in text, text
    assert "Valor: 2.00 EUR" in text and "retir" not in text
    n = say(s, who, "withdraw")
    assert "Usted revocó su sí" in page(s, who, n)
