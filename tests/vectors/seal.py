#!/usr/bin/env python3
"""Write seal.txt, the frozen vectors of docs/FORMAT.md, from the document alone.

Nothing here calls the server's code: hashes are Python's own, and
XChaCha20-Poly1305 is written out from RFC 8439 and the XChaCha draft. The AES
block is FIPS 197's example C.3, copied. Run with --check to compare only.
"""
import hashlib
import os
import struct
import sys

MASK = 0xFFFFFFFF


def quarter(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & MASK
        t = s[z] ^ s[x]
        s[z] = ((t << n) | (t >> (32 - n))) & MASK


def rounds(state):
    s = list(state)
    for _ in range(10):
        for i in range(4):
            quarter(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return s


CONST = struct.unpack("<4I", b"expand 32-byte k")


def block(key, counter, nonce):
    state = CONST + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
    return struct.pack("<16I", *((a + b) & MASK for a, b in zip(rounds(state), state)))


def hchacha(key, nonce):
    s = rounds(CONST + struct.unpack("<8I", key) + struct.unpack("<4I", nonce))
    return struct.pack("<8I", *(s[:4] + s[12:]))


def poly1305(key, msg):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    acc = 0
    for i in range(0, len(msg), 16):
        acc = (acc + int.from_bytes(msg[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((acc + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def xchacha_seal(key, nonce, text, ad):
    sub, n = hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    stream = b"".join(block(sub, 1 + i, n) for i in range((len(text) + 63) // 64))
    ct = bytes(a ^ b for a, b in zip(text, stream))
    pad = lambda b: b + bytes(-len(b) % 16)
    mac = poly1305(block(sub, 0, n)[:32],
                   pad(ad) + pad(ct) + struct.pack("<QQ", len(ad), len(ct)))
    return ct + mac


def bucket(n):
    n += 1
    if n <= 256:
        step = 32
    elif n <= 1024:
        step = 64
    else:
        step = 1 << ((n - 1).bit_length() - 1 - 3)
    return -(-n // step) * step


def place(kind, controller, generation, version, pk, pk2):
    return (b"RSG1" + bytes([kind, 0, 0, 0]) +
            struct.pack(">IIQ", controller, generation, version) + pk + pk2)


def seal(key, nonce, at, text):
    padded = text + b"\x80" + bytes(bucket(len(text)) - len(text) - 1)
    return nonce + xchacha_seal(key, nonce, padded, place(*at))


def blake(data, key=b"", salt="", label=""):
    return hashlib.blake2b(data, digest_size=32, key=key,
                           salt=salt.encode(), person=label.encode()).digest()


def bytes_from(name, n):
    """Bytes that look random and are the same everywhere."""
    return hashlib.shake_256(b"resguardo vectors " + name.encode()).digest(n)


out = ["# Written by seal.py; read by tests/unit/seal_vectors.c. Never edit:",
       "# if this file has to change, so does the format, and its magic."]


def record(op, **fields):
    out.append("")
    out.append("op " + op)
    for k, v in fields.items():
        out.append("%s %s" % (k, v.hex() if isinstance(v, bytes) else v))


def record_seal(op, key, nonce, at, text, **more):
    record(op, key=key, nonce=nonce, kind=at[0], controller=at[1],
           generation=at[2], version=at[3], pk=at[4], pk2=at[5],
           ad=place(*at), text=text, sealed=seal(key, nonce, at, text), **more)


for n in (0, 1, 31, 32, 255, 256, 319, 320, 1023, 1024, 1151, 1152, 2047, 2048,
          16384, 1 << 20):
    record("bucket", len=n, size=bucket(n))

for kind, n in ((2, 0), (4, 1), (4, 31), (4, 32), (3, 97), (7, 256), (9, 300), (11, 1100)):
    name = "seal %d %d" % (kind, n)
    record_seal("seal", bytes_from(name + " key", 32), bytes_from(name + " nonce", 24),
                (kind, 7 * kind, kind + 1, 0x0102030405060708 + n,
                 bytes_from(name + " pk", 16), bytes_from(name + " pk2", 16)),
                bytes_from(name, n))

for n in (0, 1, 16, 127, 128, 129, 1000):
    data = bytes_from("hash %d" % n, n)
    record("sha256", data=data, out=hashlib.sha256(data).digest())
    record("blake2b", data=data, out=blake(data))
    key = bytes_from("hash key %d" % n, 32)
    record("blake2b", key=key, data=data, out=blake(data, key))

record("derive", key=bytes_from("derive", 32), label="sixteen-letters!",
       id=bytes_from("derive id", 16),
       out=blake(bytes_from("derive id", 16), bytes_from("derive", 32),
                 "RSG1 derive", "sixteen-letters!"))

# A root with two generations (2 was destroyed), and what it wraps.
roots = {g: bytes_from("root %d" % g, 32) for g in (1, 3)}
lines = ["resguardo-root 1"]
for g, k in roots.items():
    lines.append("%d %s %s" % (g, k.hex(), blake(struct.pack(">I", g) + k)[:8].hex()))
lines.append("end %d" % len(roots))
record("root", data=("\n".join(lines) + "\n").encode(), newest=3)

nil = bytes(16)
subject = bytes_from("subject", 16)
for g, has in ((1, 7), (3, 7), (3, 4)):
    keys = [bytes_from("keyset %d %d" % (g, i), 32) if has >> i & 1 else bytes(32)
            for i in range(3)]
    record("keyset", controller=9, subject=subject, generation=g, has=has,
           keys=b"".join(keys),
           wrapped=seal(roots[g], bytes_from("keyset nonce %d %d" % (g, has), 24),
                        (1, 9, g, 0, subject, nil), bytes([has]) + b"".join(keys)))


def service(number, owner, part, g, key=None):
    key = key or bytes_from("service %d %d %d" % (number, owner, part), 32)
    record("service", service=number, owner=owner, part=part, generation=g,
           wrapped=seal(roots[g], bytes_from("service nonce %d" % number, 24),
                        (12, 0, g, 0, struct.pack(">IIII", number, owner, part, 0), nil),
                        key))
    return key


blind = service(1, 9, 4, 1)
record("digest", service=1, owner=9, part=4, label="email", data=b"ana@example.com",
       out=blake(b"ana@example.com", blind, "RSG1 digest", "email"))
rowmac = service(3, 0, 0, 3)
record("digest", service=3, owner=0, part=0, label="credential", data=b"",
       out=blake(b"", rowmac, "RSG1 digest", "credential"))

ops = service(4, 0, 0, 3)
record_seal("service_open", blake(b"", ops, "RSG1 seal"), bytes_from("ops nonce", 24),
            (9, 9, 0, 0, bytes_from("entry", 16), nil), b"who, what, why",
            service=4, owner=0, part=0)

session = service(6, 0, 0, 3)
raw = bytes_from("credential", 16) + bytes_from("api secret", 32)
record("apikey",
       text="rsgk_" + (raw + hashlib.sha256(b"rsgk_" + raw).digest()[:4]).hex(),
       credential=raw[:16], secret=raw[16:],
       out=blake(raw, session, "RSG1 digest", "api-key"))

service(2, 5, 1, 3, bytes(range(32)))
record("pseudonym", recipient=5, epoch=1,
       subject=bytes.fromhex("00112233445566778899aabbccddeeff"),
       out=bytes.fromhex("8ea2b7ca516745bfeafc49904b496089"))

text = "\n".join(out) + "\n"
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seal.txt")
if "--check" in sys.argv:
    sys.exit(0 if open(path).read() == text else "seal.txt differs")
open(path, "w").write(text)
