"""What every refusal has to be: clear, without the value, without effect."""
from stack import TILL, STAFF  # noqa: F401  (tests take them from here)


def problem(r, status, error):
    """A problem document as docs/ERRORS.md says it is."""
    assert (r.status, r.error) == (status, error), r
    p = r.json()
    assert p["status"] == status and p["title"] and p["detail"], r
    assert p["instance"] == r.headers["X-Request-Id"], r
    if status in (429, 503):
        assert int(r.headers["Retry-After"]) >= 1, r.headers
    if status == 401:
        assert r.headers["WWW-Authenticate"], r.headers
    if status == 405:
        assert r.headers["Allow"], r.headers
    return p


def nowhere(stack, r, secrets):
    """No value sent stands in the answer or in a log."""
    said = r.body + str(r.headers).encode() + stack.log().encode() + stack.pg_log().encode()
    for s in secrets:
        assert (s if isinstance(s, bytes) else s.encode()) not in said, (s, r)


def refused(stack, status, error, method, path, key, json=None, headers=None, raw=None,
            secrets=(), member=None):
    before = stack.shape()
    r = stack.http(method, path, key, json=json, headers=headers, raw=raw)
    p = problem(r, status, error)
    if member is not None:
        assert p.get("member") == member, r
    nowhere(stack, r, secrets)
    assert stack.shape() == before
    return p


def bad_yes(stack, who, error, status=422, purpose="personalised_offers", member=None, **more):
    p = refused(stack, status, error, "POST", "/v1/subjects/%s/consents" % who,
                stack.keys["till"], headers=TILL,
                json=dict(purpose=purpose, decision="give", **more))
    if member:
        assert p.get("member") == member, p
