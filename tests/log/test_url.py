"""A log verified where it stands: at the server's own address, and at that of
any web server that has a copy."""
import functools
import http.server
import os
import subprocess
import tempfile
import threading

import pytest
from stack import BIN
from test_rotate import covered, rotated, work


def verify(url, key, *more, folder):
    """With a folder for temporary files of its own, which is empty afterwards."""
    done = subprocess.run([os.path.join(BIN, "resguardo"), "audit", "verify", url, "--key", key,
                           *more], capture_output=True, text=True,
                          env=dict(os.environ, TMPDIR=folder))
    assert os.listdir(folder) == []
    return done


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory() as path:
        yield path


@pytest.fixture
def web():
    """Any web server: a folder at an address."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def serve(path):
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=path))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return "http://127.0.0.1:%d" % server.server_port
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_server_itself(own, folder, tmp_path):
    s = own()
    ca = s.state + "/tls/ca.pem"
    kept = str(tmp_path / "kept")
    first = s.cli("audit", "key").strip()
    work(s)
    covered(s)
    url = "https://localhost:%d/log/" % s.port
    done = verify(url, first, "--ca", ca, "--remember", kept, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    # Nobody vouches for its certificate otherwise.
    assert verify(url, first, folder=folder).returncode == 1
    s.stop()
    second = rotated(s)
    s.serve()
    work(s)
    covered(s)
    url = "https://localhost:%d/log" % s.port
    for key, logs in ((first, 2), (second, 1)):
        done = verify(url, key, "--ca", ca, folder=folder)
        assert done.returncode == 0 and done.stdout.count(" entries") == logs, done.stderr
    done = verify(url, first, "--ca", ca, "--remember", kept, folder=folder)
    assert done.returncode == 0 and "continues what was remembered" in done.stdout
    stranger = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    done = verify(url, stranger, "--ca", ca, folder=folder)
    assert done.returncode == 1 and "not signed by this key" in done.stdout
    s.stop()
    done = verify(url, second, "--ca", ca, folder=folder)
    assert done.returncode == 1 and "no checkpoint is to be had" in done.stderr


def test_any_web_server(own, web, folder):
    s = own()
    work(s)
    covered(s)
    early = open(s.state + "/log/checkpoint", "rb").read()
    # More than a bundle, so that whole tiles are fetched and partial ones.
    s.sql("INSERT INTO audit_entry (entry, time, controller, actor, action, purpose, decision,"
          " recipient, leaf, leaf_hash) SELECT e, now(), 1, e, 0, 0, 1, 0, l,"
          " sha256('\\x00'::bytea || l) FROM (SELECT e, '\\x01'::bytea || uuid_send(e) ||"
          " decode(repeat(md5(e::text), 6), 'hex') AS l FROM (SELECT gen_random_uuid() AS e"
          " FROM generate_series(1, 600)) AS a OFFSET 0) AS b")
    work(s)
    covered(s)
    s.stop()
    key = s.cli("audit", "key").strip()
    log = s.state + "/log"
    url = web(log)
    assert verify(url, key, folder=folder).returncode == 0
    size = int(open(log + "/checkpoint").read().split("\n")[1])
    for name, word in (("tile/entries/001", "entry "), ("tile/0/000", "tile/0/000: hash"),
                       ("tile/1/000.p/%d" % (size // 256), "tile/1/000.p")):
        path = os.path.join(log, name)
        body = open(path, "rb").read()
        with open(path, "r+b") as f:
            f.seek(40)
            f.write(bytes([body[40] ^ 1]))
        done = verify(url, key, folder=folder)
        assert done.returncode == 1 and "WRONG " + word in done.stdout, done.stdout
        os.rename(path, path + ".away")
        done = verify(url, key, folder=folder)
        assert done.returncode == 1 and "is missing" in done.stdout, done.stdout
        os.rename(path + ".away", path)
        with open(path, "r+b") as f:
            f.write(body)
    # Who comes with the checkpoint of before finds whole tiles for its partial ones.
    with open(log + "/checkpoint", "wb") as f:
        f.write(early)
    assert not os.path.exists(log + "/tile/0/000.p")
    done = verify(url, key, folder=folder)
    assert done.returncode == 0, done.stdout
    assert ": %s entries" % early.decode().split("\n")[1] in done.stdout
    for bad in ("http://127.0.0.1:1/", url + '/"x', url + "/nowhere"):
        assert verify(bad, key, folder=folder).returncode == 1
