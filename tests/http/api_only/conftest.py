import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import standin  # noqa: E402

BUILD = os.environ.get("RSG_BUILD", os.path.join(standin.ROOT, "build"))


@pytest.fixture(scope="session")
def binary():
    path = os.path.join(BUILD, "resguardo-api")
    if not os.path.exists(path):
        pytest.skip("no %s: set RSG_BUILD to the build folder" % path)
    return path


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("certs"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"],
        check=True, capture_output=True)
    return folder


@pytest.fixture
def start(binary, certs):
    """Start an api process with limits of its own."""
    running = []

    def starter(**limits):
        api = standin.Api(binary, certs, limits)
        running.append(api)
        assert api.wait_ready() == b"R"
        return api

    yield starter
    for api in running:
        if api.proc.poll() is None:
            assert api.stop() == 0
        else:
            api.control.close()


@pytest.fixture
def api(start):
    return start()
