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


def test_both_guides_take_the_same_steps():
    said = [[line for line in block(name).splitlines() if not line.startswith("#")]
            for name in GUIDES]
    assert said[0] == said[1] and len(said[0]) > 20


def test_followed_by_curl(demo):
    s, _ = demo
    text = block(GUIDES[0])
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
    assert re.search(r"^  answer +renewed$", out, re.M), out    # the receipt, offline

    assert "(was not said)" not in out                          # who answers, and where

    def pulled(name):
        with open(folder + "/" + name) as f:
            return set(f.read().split())
    # One and the same person came into the pull, and left it by their word.
    assert len(pulled("before")) > 10 and len(pulled("with") - pulled("before")) == 1
    assert '"withdrawn":["segmentation","marketing"]' in out
    assert re.search(r"^as before$", out, re.M), out
    grants = json.loads(re.search(r'^\{"subject":[^\n]*"grants":.*$', out, re.M).group(0))
    stands = {(g["purpose"], g.get("channel")): g["status"] for g in grants["grants"]}
    assert stands["segmentation", None] == stands["marketing", "email"] == "withdrawn", stands
    assert re.search(r'"balance":\s*2\d\d', out)                # the points are kept
    theirs, pulls = [json.loads(e)["entries"] for e in
                     re.findall(r'^\{"entries":.*$', out, re.M)]
    assert [e["action"] for e in theirs] == [
        "benefit_read", "consent_read", "contact_report", "consent_read", "benefit_write",
        "benefit_write", "consent_write", "consent_write"], theirs
    assert sum("people" in e for e in pulls) == 3, pulls
