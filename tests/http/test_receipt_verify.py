"""`resguardo receipt verify`: each way of spoiling a receipt, or its key, ends in one
line that names it, and in status 1; and what copying does to the letters spoils nothing."""
import base64
import json
import os
import subprocess

import pytest

from stack import AS
from test_receipts import receipt, say

OTHER = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def plain(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Genuine:
    """A receipt and its key as the server gave them, and the program to judge others by."""

    def __init__(self, stack):
        self.bin = stack.bin + "/resguardo"
        self.home = stack.home
        who = stack.person()
        n = say(stack, who, "give")
        self.answer = receipt(stack, who, n).text
        self.page = receipt(stack, who, n, "text/html").text
        self.jws = json.loads(self.answer)["receipt"]
        self.later = receipt(stack, who, say(stack, who, "withdraw")).json()["receipt"]
        self.keys = stack.http("GET", "/v1/keys").text
        self.error = stack.http("GET", "/v1/me").text
        self.head, self.body, self.sig = self.jws.split(".")

    def file(self, name, data):
        path = os.path.join(self.home, name)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
        os.chmod(path, 0o644)
        return path

    def run(self, *argv, stdin=None):
        p = subprocess.run(AS + [self.bin, "receipt", "verify", *argv], input=stdin,
                           capture_output=True, cwd="/", timeout=60)
        return p.returncode, p.stdout.decode("utf-8", "strict"), p.stderr.decode()

    def judge(self, data, key=None):
        return self.run(self.file("r", data), "--key",
                        self.file("k", self.keys if key is None else key))


@pytest.fixture(scope="module")
def good(stack):
    return Genuine(stack)


def header(g, **more):
    return b64(json.dumps(dict(json.loads(plain(g.head)), **more)).encode())


def swapped(g, old, new):
    assert old in plain(g.body)
    return b64(plain(g.body).replace(old, new))


SPOILT = {
    "nothing": (lambda g: "", "there is nothing in the file"),
    "blanks": (lambda g: " \n\t\r\n", "there is nothing in the file"),
    "page": (lambda g: g.page, "it is a page"),
    "page alone": (lambda g: "<", "it is a page"),
    "payload": (lambda g: plain(g.body), "JSON without a signed receipt"),
    "an error": (lambda g: g.error, "JSON without a signed receipt"),
    "not json": (lambda g: "{", "JSON without a signed receipt"),
    "receipt a number": (lambda g: '{"receipt":1}', "JSON without a signed receipt"),
    "receipt empty": (lambda g: '{"receipt":""}', "empty"),
    "key set": (lambda g: g.keys, "JSON without a signed receipt"),
    "one part": (lambda g: g.body, "three parts"),
    "two parts": (lambda g: g.head + "." + g.body, "three parts"),
    "four parts": (lambda g: g.jws + "." + g.sig, "three parts"),
    "no header": (lambda g: "." + g.body + "." + g.sig, "not a header"),
    "no payload": (lambda g: g.head + ".." + g.sig, "does not belong to it"),
    "no signature": (lambda g: g.head + "." + g.body + ".", "not 64 bytes"),
    "cut": (lambda g: g.jws[:-1], "not 64 bytes"),
    "cut in the middle": (lambda g: g.jws[:len(g.jws) // 2], "three parts"),
    "longer": (lambda g: g.jws + "A", "not 64 bytes"),
    "padded": (lambda g: g.head + "." + g.body + "=." + g.sig, "not base64url"),
    "other alphabet": (lambda g: g.head + "." + g.body[:-1] + "+." + g.sig, "not base64url"),
    "header changed": (lambda g: header(g, cty="json") + "." + g.body + "." + g.sig,
                       "does not belong to it"),
    "payload changed": (lambda g: g.head + "." + swapped(g, b'"given"', b'"never"') + "." + g.sig,
                        "does not belong to it"),
    "payload of another": (lambda g: g.head + "." + g.later.split(".")[1] + "." + g.sig,
                           "does not belong to it"),
    "signature of another": (lambda g: g.head + "." + g.body + "." + g.later.split(".")[2],
                             "does not belong to it"),
    "signature of zeroes": (lambda g: g.head + "." + g.body + "." + "A" * 86,
                            "does not belong to it"),
    "alg none": (lambda g: b64(b'{"alg":"none"}') + "." + g.body + ".", "alg none"),
    "alg none, signed": (lambda g: header(g, alg="none") + "." + g.body + "." + g.sig, "alg none"),
    "alg of a secret": (lambda g: header(g, alg="HS256") + "." + g.body + "." + g.sig,
                        "not EdDSA"),
    "its own key": (lambda g: header(g, jwk=OTHER) + "." + g.body + "." + g.sig,
                    "not a header that this program knows"),
    "crit": (lambda g: header(g, crit=["b64"]) + "." + g.body + "." + g.sig, "crit"),
    "another kid": (lambda g: header(g, kid="kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k") +
                    "." + g.body + "." + g.sig, "another key"),
    "another type": (lambda g: header(g, typ="JWT") + "." + g.body + "." + g.sig, "not a receipt"),
    "binary": (lambda g: bytes(range(256)) * 40, "three parts"),
    "binary with dots": (lambda g: b"\x00.\xff.\xfe", "not base64url"),
    "zeroes": (lambda g: bytes(5000), "three parts"),
    "long": (lambda g: "A" * (300 * 1024), "longer than any receipt"),
    "deep": (lambda g: '{"receipt":' + "[" * 100000, "JSON without a signed receipt"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_spoilt_is_named_in_one_line(good, name):
    make, line = SPOILT[name]
    status, out, err = good.judge(make(good))
    assert (status, out) == (1, ""), (status, out, err)
    assert err.count("\n") == 1 and err.endswith("\n") and len(err) < 300, err
    assert "this receipt is not good: " in err and line in err, err
    # As a member of the server's answer it is no better.
    if isinstance(make(good), str) and name not in (
            "nothing", "blanks", "page", "page alone", "an error", "not json",
            "receipt a number", "receipt empty", "key set", "deep"):
        status, out, err = good.judge(json.dumps({"receipt": make(good)}))
        assert (status, out) == (1, "") and line in err and err.count("\n") == 1, err


@pytest.mark.parametrize("key,line", [
    (lambda g: "", "the key file is not a JWK"),
    (lambda g: "nothing", "the key file is not a JWK"),
    (lambda g: "[]", "the key file is not a JWK"),
    (lambda g: bytes(range(256)), "the key file is not a JWK"),
    (lambda g: " " * (100 * 1024), "the key file is not a JWK"),
    (lambda g: g.page, "the key file is not a JWK"),
    (lambda g: json.dumps(dict(OTHER, kty="RSA")), "not an Ed25519 public key"),
    (lambda g: json.dumps(dict(OTHER, x=OTHER["x"][:-1])), "not an Ed25519 public key"),
    (lambda g: json.dumps(dict(OTHER, kid="lie")), "the key file was changed")])
def test_a_key_file_that_is_none(good, key, line):
    """Nothing is said of the receipt then: neither that it is good nor that it is not."""
    status, out, err = good.judge(good.jws, key(good))
    assert (status, out) == (1, "") and err.count("\n") == 1, (status, out, err)
    assert "this receipt cannot be checked: " in err and line in err, err


@pytest.mark.parametrize("key", [
    OTHER, {"keys": []}, {"keys": [OTHER]}, {"keys": [{"kty": "RSA"}, OTHER, OTHER]}])
def test_a_key_that_is_not_the_one(good, key):
    status, out, err = good.judge(good.jws, json.dumps(key))
    assert (status, out) == (1, "") and err.count("\n") == 1, (status, out, err)
    assert "another key than those given" in err, err


def test_files_that_cannot_be_read(good):
    mine, key = good.file("r", good.jws), good.file("k", good.keys)
    huge = good.file("huge", b"A" * (600 * 1024))
    for argv, line in (((huge, "--key", key), "too large"), ((mine, "--key", huge), "too large"),
                       (("/dev/zero", "--key", key), "too large"),
                       ((mine, "--key", "/dev/zero"), "too large"),
                       (("/no/such", "--key", key), "/no/such"),
                       ((mine, "--key", "/no/such"), "/no/such"),
                       ((good.home, "--key", key), "directory")):
        status, out, err = good.run(*argv)
        assert (status, out) == (1, "") and err.count("\n") == 1 and line in err, (argv, out, err)
    for argv in ((), (mine, mine)):
        status, out, err = good.run(*argv)
        assert status == 2 and out == "" and err, argv


def test_what_copying_does_spoils_nothing(good):
    j, n = good.jws, 76
    for text in (j, j + "\n", j + "\r\n", "\ufeff" + j, "\n  " + j,
                 "\r\n".join(j[i:i + n] for i in range(0, len(j), n)),
                 good.answer, good.answer + "\n", "\ufeff " + good.answer):
        status, out, err = good.judge(text)
        assert (status, err) == (0, "") and out.startswith("Good: "), (text[:40], out, err)
    status, out, err = good.run("-", "--key", good.file("k", good.keys), stdin=j.encode())
    assert status == 0 and out.startswith("Good: "), err
    # The letters that the page shows are the receipt.
    shown = good.page.split("<pre")[1].split(">", 1)[1].split("</pre>")[0]
    assert good.judge(shown)[0] == 0
    # Without a key nothing is good, whatever it says.
    status, out, err = good.run(good.file("r", j))
    assert status == 1 and out.startswith("NOT VERIFIED: ") and "Good" not in out
