"""docs/WALKTHROUGH.md: cut out of the file, and run as it stands."""
import json
import os
import re
import subprocess

import pytest

from stack import AS, CLONE, Stack

GUIDES = ("WALKTHROUGH.md", "WALKTHROUGH.es.md")


@pytest.fixture(scope="module")
def demo():
    s = Stack.start(serve=False)
    try:
        s._as("touch", s.state + "/DEMO")
        s.serve()
        said = s.cli("demo", "load")
        yield s, said
    finally:
        s.close()


def block(name):
    with open(os.path.join(CLONE, "docs", name), encoding="utf-8") as f:
        found = re.findall(r"^```sh\n(.*?key\(\) .*?)^```$", f.read(), re.M | re.S)
    return found[0] if found else None


def test_the_demo_shows_benefits(demo):
    s, said = demo
    n = int(re.search(r"and (\d+) benefits", said).group(1))
    assert n > 100 and int(s.sql("SELECT count(*) FROM benefit_event")) > n
    keys = json.loads(s._as("cat", s.state + "/demo.json"))
    late = s.http("GET", "/v1/benefits/overdue?purpose=oversight", keys["officer"],
                  headers={"Resguardo-Staff": "a"})
    assert late.json()["overdue"] > 0, late


def test_followed_by_curl(demo):
    s, _ = demo
    text = block("WALKTHROUGH.md")
    assert block("WALKTHROUGH.es.md") is None or "curl" in block("WALKTHROUGH.es.md")
    # Only where it stands differs: the folder, the port, where programs are.
    text = text.replace("var/", s.state + "/").replace("8443", str(s.port))
    text = text.replace("build/resguardo", s.bin + "/resguardo")
    folder = s.home + "/walk"
    s._as("mkdir", folder)
    done = subprocess.run(AS + ["bash", "-c", "set -uo pipefail; cd %s; %s" % (folder, text)],
                          capture_output=True, text=True, cwd="/")
    out = done.stdout
    print(out, done.stderr)
    assert '"error"' not in out and "urn:resguardo:error" not in out and not done.stderr, out
    assert '"text":' in out                                     # the notice
    assert '"status":"delivered"' in out                        # 200 points
    assert re.search(r"^.*marketing", out, re.M)
    with open(folder + "/before.csv") as f:
        before = f.read().splitlines()
    assert len(before) > 10                                     # the first pull
    assert '"withdrawn":["' in out                              # told by the tool
    assert re.search(r"^0$", out, re.M), out                    # and not in the next
    assert re.search(r'"balance":\s*2\d\d', out)                # the points are kept
    assert '"entries":[{' in out                                # the officer sees it
