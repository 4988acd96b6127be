"""RFC 6962 and 9162 again, from their text: what a stranger checks proofs with."""
import base64
import hashlib


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(path, index, size, leaf):
    """RFC 9162, 2.1.3.2: the root that this path leads to; None if it does not fit."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


def grew(old, old_root, size, root, path):
    """RFC 9162, 2.1.4.2."""
    path = list(path)
    if old == size:
        return old_root == root and not path
    if old == 0:
        return not path and old_root == hashlib.sha256(b"").digest()
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == root and sn == 0


def read_proof(text):
    """A C2SP tlog-proof: index, path, and the checkpoint as it stands in it."""
    head, note = text.split("\n\n", 1)
    lines = head.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1", lines[0]
    assert lines[1].startswith("index "), lines[1]
    return (int(lines[1][6:]), [base64.b64decode(x, validate=True) for x in lines[2:]], note)


def checkpoint(note):
    """Origin, size, root."""
    lines = note.split("\n")
    return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
