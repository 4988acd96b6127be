"""A log verified offline against one pass of SHA-256 over the same bytes, both
from files that were read before; and a proof of one entry from its tiles."""
import json
import os

import common as c

ENTRIES = int(os.environ.get("RSG_BENCH_ENTRIES", "1000000"))


def main():
    folder = f"{c.STATE}/run/made"
    key = c.run(f"{c.BUILD}/bench_verify", "make", folder, ENTRIES).strip()
    r = json.loads(c.run(f"{c.BUILD}/bench_verify", "time", folder, key))
    c.run("rm", "-rf", folder)
    c.figure("verify", r["verify"] * 1e6, r["sha256"] * 1e6, "us",
             f"Verifying {r['entries']} entries for one pass of SHA-256 over their bytes; "
             "a proof of one entry, read from tiles and checked, takes proof_us.",
             entries=r["entries"], bytes=r["bytes"], proof_us=r["proof_us"])


main()
