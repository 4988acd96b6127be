"""What whoever holds the root key and the database can compute, from docs/FORMAT.md.

Python's own library and openssl's AES only: nothing here is the server's code.
"""
import hashlib
import struct
import subprocess

MASK = 0xFFFFFFFF
CONST = struct.unpack("<4I", b"expand 32-byte k")
BLIND, PSEUDONYM = 1, 2


def _rounds(state):
    s = list(state)
    for _ in range(10):
        for at in ([(i, 4 + i, 8 + i, 12 + i) for i in range(4)] +
                   [(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4) for i in range(4)]):
            a, b, c, d = at
            for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = (s[x] + s[y]) & MASK
                t = s[z] ^ s[x]
                s[z] = ((t << n) | (t >> (32 - n))) & MASK
    return s


def _open(key, sealed):
    """The text of a box, unpadded; its tag is the server's business."""
    nonce, ct = sealed[:24], sealed[24:-16]
    s = _rounds(CONST + struct.unpack("<8I", key) + struct.unpack("<4I", nonce[:16]))
    sub = struct.unpack("<8I", struct.pack("<8I", *(s[:4] + s[12:])))
    out = b""
    for i in range((len(ct) + 63) // 64):
        state = CONST + sub + (1 + i, 0) + struct.unpack("<2I", nonce[16:])
        out += struct.pack("<16I", *((a + b) & MASK for a, b in zip(_rounds(state), state)))
    text = bytes(a ^ b for a, b in zip(ct, out)).rstrip(b"\0")
    assert text.endswith(b"\x80"), "not the key of this box"
    return text[:-1]


def service_key(stack, service, owner, part):
    with open(stack.state + "/keys/root.key") as f:
        root = {int(w[0]): bytes.fromhex(w[1]) for w in
                (line.split() for line in f.read().split("\n")) if len(w) == 3 and w[0].isdigit()}
    row = stack.sql("SELECT generation, encode(wrapped, 'hex') FROM service_key WHERE service = "
                    "%d AND owner = %d AND part = %d" % (service, owner, part))
    generation, wrapped = row.split("|")
    return _open(root[int(generation)], bytes.fromhex(wrapped))


def pseudonyms(stack, recipient, subjects, epoch=1):
    """subject -> the pseudonym that this recipient has for it."""
    number = int(stack.sql("SELECT recipient FROM recipient WHERE name = '%s'" % recipient))
    key = service_key(stack, PSEUDONYM, number, epoch)
    subjects = list(subjects)
    out = subprocess.run(["openssl", "enc", "-aes-256-ecb", "-nosalt", "-nopad", "-K",
                          key.hex()], input=b"".join(bytes.fromhex(s.replace("-", ""))
                                                     for s in subjects),
                         capture_output=True, check=True).stdout
    assert len(out) == 16 * len(subjects)
    return {s: out[16 * i:16 * i + 16].hex() for i, s in enumerate(subjects)}


def by_number(stack, controller="acme", field=6):
    """digest -> subject, and a function that gives a customer number's digest."""
    owner = int(stack.sql("SELECT controller FROM controller WHERE name = '%s'" % controller))
    key = service_key(stack, BLIND, owner, field)
    table = dict(stack.rows("SELECT encode(digest, 'hex'), subject_id FROM lookup WHERE "
                            "controller = %d AND field = %d" % (owner, field)))

    def find(number):
        digest = hashlib.blake2b(number.lower().encode(), digest_size=32, key=key,
                                 salt=b"RSG1 digest", person=b"blind").hexdigest()
        return table.get(digest)
    return find


def members(stack, key, path, form="json", each=None):
    """All pages of members: [(pseudonym, r, f, m)], in the order given."""
    import json
    out, cursor, pages = [], None, 0
    accept = {"json": "application/json", "ndjson": "application/x-ndjson",
              "csv": "text/csv"}[form]
    while True:
        r = stack.http("GET", path + ("&cursor=" + cursor if cursor else ""), key,
                       headers={"Accept": accept})
        assert r.status == 200, r
        if form == "json":
            rows = [(m["pseudonym"], m["r"], m["f"], m["m"]) for m in r.json()["members"]]
            cursor = r.json().get("next")
        elif form == "ndjson":
            lines = [json.loads(line) for line in r.text.splitlines()]
            rows = [(m["pseudonym"], m["r"], m["f"], m["m"]) for m in lines]
            cursor = r.headers.get("Resguardo-Next")
        else:
            lines = r.text.splitlines()
            assert lines[0] == "pseudonym,r,f,m"
            rows = [(p, int(a), int(b), int(c)) for p, a, b, c in
                    (line.split(",") for line in lines[1:])]
            cursor = r.headers.get("Resguardo-Next")
        out += rows
        pages += 1
        if each:
            each(pages, rows)
        if not cursor:
            return out, pages


def hidden(cells, k):
    """The cells that a release leaves out, of {cell: count}: all under k, and
    the smallest others until what is left out is neither one cell nor few."""
    order = sorted(cells, key=lambda c: (cells[c], c))
    out = [c for c in order if cells[c] < k]
    return set(out), order
