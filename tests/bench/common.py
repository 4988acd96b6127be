"""What the benches share: the server's own database, keys, processes, output."""
import json
import os
import subprocess
import sys
import time

STATE = os.environ["RSG_STATE"]
PORT = os.environ["RSG_PORT"]
BUILD = os.environ["RSG_BUILD"]
ROOT = os.environ["RSG_ROOT"]
PG = os.environ["RSG_PG"]
DROP = os.environ["RSG_DROP"].split()
SECONDS = int(os.environ.get("RSG_BENCH_SECONDS", "10"))


def run(*argv, stdin=None, check=True):
    """Run as the server's user; its standard output."""
    p = subprocess.run([*DROP, *map(str, argv)], input=stdin, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and p.returncode != 0:
        sys.exit(f"bench: {argv[0]} failed: {p.stderr.strip()[-500:]}")
    return p.stdout


def psql(sql):
    return run(f"{PG}/psql", "-h", f"{STATE}/run", "-U", "postgres", "-XAtq",
               "-v", "ON_ERROR_STOP=1", "-F", "\t", "resguardo", stdin=sql)


def rows(sql):
    return [line.split("\t") for line in psql(sql).splitlines()]


def resguardo(*argv):
    return run(f"{BUILD}/resguardo", *argv, "--state", STATE)


def controller(name):
    resguardo("controller", "add", "--name", name, "--title", name, "--jurisdiction", "ES",
              "--currency", "EUR", "--zone", "Europe/Madrid")


def keys():
    return json.loads(run("cat", f"{STATE}/demo.json"))


def load(connections, targets, *headers, seconds=SECONDS):
    argv = [f"{BUILD}/bench_load", "--port", PORT, "--ca", f"{STATE}/tls/ca.pem",
            "--connections", connections, "--seconds", seconds, "--targets", targets]
    for h in headers:
        argv += ["--header", h]
    out = run(*argv, check=False)
    result = json.loads(out)
    if result["errors"]:
        sys.exit(f"bench: the load saw errors: {result['status']}")
    return result


def pgbench(script, clients, seconds=SECONDS):
    """Transactions a second, and the mean latency in microseconds."""
    path = f"{STATE}/run/bench.sql"
    run("tee", path, stdin=script)
    out = run(f"{PG}/pgbench", "-h", f"{STATE}/run", "-U", "postgres", "-n",
              "-M", "prepared", "-c", clients, "-j", min(2, clients), "-T", seconds,
              "-f", path, "resguardo")
    tps = [line for line in out.splitlines() if line.startswith("tps")][0]
    return float(tps.split()[2])


def resident():
    """The most memory each serving process ever held, in MiB."""
    most = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                name = f.read().split(b"\0")[0].decode()
            with open(f"/proc/{pid}/environ", "rb") as f:
                ours = STATE.encode() in f.read()
            if not ours or not os.path.basename(name).startswith("resguardo-"):
                continue
            with open(f"/proc/{pid}/status") as f:
                hwm = [x for x in f if x.startswith("VmHWM")][0]
        except (OSError, IndexError):
            continue
        most[os.path.basename(name)] = round(int(hwm.split()[1]) / 1024, 1)
    return most


def figure(name, ours, yardstick, unit, sentence, **more):
    line = {"name": name, "ratio": round(ours / yardstick, 3), "ours": round(ours, 1),
            "yardstick": round(yardstick, 1), "unit": unit, "sentence": sentence, **more}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def timed(f, *args):
    start = time.monotonic()
    result = f(*args)
    return time.monotonic() - start, result
