"""Receipts of answers for which something was given, and of those brought in."""
import base64
import copy
import json
import re

import pytest

from refuse import TILL
from test_benefits import give, incentive, publish
from test_import_past import bring, yes
from test_receipts import SCHEMA, TERMS, file_of, is_good, receipt, say, verify, words

SUMMARY = {"en": "Two hundred points, yours to keep",
           "es": "Doscientos puntos, que son suyos"}
PAGE = {"en": "What you get", "es": "Lo que recibe a cambio"}


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture(scope="module")
def offer(stack):
    publish(stack, incentive("keep-200", "points", points=200, summary=SUMMARY,
                             purpose="marketing", channel="email", deliver_days=30))
    return stack


def somebody(stack, language, n):
    r = stack.http("POST", "/v1/subjects", stack.keys["till"], headers=TILL, json={
        "fields": {"first_name": "Ana", "customer_number": n}, "language": language,
        "jurisdiction": "ES"})
    assert r.status == 201, r
    return r.json()["subject"]


def checked(stack, r):
    """A receipt as it has to be: by the schema, in DPV's own words, signed."""
    assert r.status == 200, r
    payload = json.loads(r.json()["payload"])
    SCHEMA.validate(payload)
    for word in words(payload):
        if re.match(r"(dpv|pd|eu-gdpr|risk):", word):
            assert word in TERMS, word
    assert is_good(verify(stack, r.json()["receipt"]))
    return payload


def members(v, path=()):
    """Every place in the document that holds something of its own."""
    if isinstance(v, dict):
        for k in v:
            yield from members(v[k], path + (k,))
    elif isinstance(v, list):
        for i, x in enumerate(v):
            yield from members(x, path + (i,))
    else:
        yield path


def changed(payload, path):
    out = copy.deepcopy(payload)
    at = out
    for k in path[:-1]:
        at = at[k]
    old = at[path[-1]]
    at[path[-1]] = old + 1 if isinstance(old, int) and not isinstance(old, bool) else \
        not old if isinstance(old, bool) else (old or "") + "x"
    return out


@pytest.mark.parametrize("language", ["es", "en"])
def test_what_was_given_stands_in_it(offer, language):
    s = offer
    who = somebody(s, language, "RB-" + language)
    yes_ = say(s, who, "give")
    before = checked(s, receipt(s, who, yes_))
    assert "keep-200" not in json.dumps(before)
    r = give(s, who, "promise", incentive="keep-200", consent_sequence=yes_)
    assert r.status == 200, r
    for step in ("promised", "delivered", "withdrawn"):
        if step == "delivered":
            assert give(s, who, "deliver", benefit=r.json()["benefit"]).status == 200
        if step == "withdrawn":
            no = say(s, who, "withdraw")
        payload = checked(s, receipt(s, who, yes_))
        text = json.dumps(payload, ensure_ascii=False)
        assert SUMMARY[language] in text and "keep-200:1" in text, step
        one, = receipt(s, who, yes_).json()["said"]["in_return"]
        assert one["summary"] == SUMMARY[language]
        page = receipt(s, who, yes_, "text/html").text
        assert PAGE[language] in page and SUMMARY[language] in page, step
    # It was given for the yes: the no that came after has a receipt without it.
    assert "keep-200" not in json.dumps(checked(s, receipt(s, who, no)))
    assert PAGE[language] not in receipt(s, who, no, "text/html").text


def test_each_member_is_under_the_signature(offer):
    """Whatever is changed, left out or added: the signature does not belong to it."""
    s = offer
    who = somebody(s, "es", "RB-each")
    n = say(s, who, "give")
    assert give(s, who, "deliver", incentive="keep-200", consent_sequence=n).status == 200
    r = receipt(s, who, n)
    payload = checked(s, r)
    head, body, sig = r.json()["receipt"].split(".")
    paths = list(members(payload))
    assert len(paths) > 40 and any("resguardo:incentive" in p for p in paths)
    keys = file_of(s, "each-keys.json", s.http("GET", "/v1/keys").text)
    less = [{k: v for k, v in payload.items() if k != gone} for gone in payload]
    for other in [changed(payload, p) for p in paths] + less + [dict(payload, more=1)]:
        text = json.dumps(other, ensure_ascii=False, separators=(",", ":")).encode()
        said = verify(s, head + "." + b64(text) + "." + sig, keys)
        assert "the signature does not belong to it" in said and "Good" not in said, said
    # Nor can the head be another, or the signature of another receipt stand here.
    top = json.loads(base64.urlsafe_b64decode(head + "=="))
    for k in top:
        other = b64(json.dumps(dict(top, **{k: "x" + top[k]})).encode())
        assert "Good" not in verify(s, other + "." + body + "." + sig, keys)
    theirs = receipt(s, who, say(s, who, "withdraw")).json()["receipt"].split(".")
    assert "Good" not in verify(s, head + "." + body + "." + theirs[2], keys)
    assert is_good(verify(s, ".".join((head, body, sig)), keys))


def test_an_answer_brought_in_has_one_too(offer):
    s = offer
    who = somebody(s, "es", "RB-old")
    bring(s, "consents", [
        yes("rb1", "RB-old", "2019-01-01T10:00:00Z", topic="marketing", by="email"),
        dict(id="rb2", who="RB-old", topic="marketing", by="email", said="W",
             when="2021-01-01T10:00:00Z")])
    bring(s, "benefits", [dict(id="rbb", who="RB-old", gift="keep-200",
                               delivered="2019-02-01T10:00:00Z")])
    payload = checked(s, receipt(s, who, 1))
    text = json.dumps(payload, ensure_ascii=False)
    assert "2019-01-01T10:00:00" in text and SUMMARY["es"] in text
    assert "keep-200" not in json.dumps(checked(s, receipt(s, who, 2)))
