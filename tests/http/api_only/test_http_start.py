"""What it refuses to start without, and what it cannot do once it runs."""
import standin


def failed(binary, certs, **changed):
    """The exit status and log of an api process that must not start."""
    api = standin.Api(binary, certs, changed)
    code = api.proc.wait(10)
    text = api.log_text()
    api.control.close()
    return code, text


def test_missing_certificate_is_an_error(binary, certs, tmp_path):
    (tmp_path / "key.pem").write_bytes(open(certs + "/key.pem", "rb").read())
    code, text = failed(binary, str(tmp_path))
    assert code == 1 and "RSG_TLS_CERT" in text


def test_missing_key_is_an_error(binary, certs, tmp_path):
    (tmp_path / "cert.pem").write_bytes(open(certs + "/cert.pem", "rb").read())
    code, text = failed(binary, str(tmp_path))
    assert code == 1 and "RSG_TLS_KEY" in text


def test_nonsense_certificate_is_an_error(binary, certs, tmp_path):
    (tmp_path / "key.pem").write_bytes(open(certs + "/key.pem", "rb").read())
    (tmp_path / "cert.pem").write_text("no certificate\n")
    code, text = failed(binary, str(tmp_path))
    assert code == 1 and "api.listener-failed" in text


def test_bad_limit_is_an_error(binary, certs):
    code, text = failed(binary, certs, VAULT_MS="soon")
    assert code == 1 and "RSG_LIMIT_VAULT_MS" in text


def test_running_process_is_confined(api):
    """Asked of the kernel, not of the process."""
    status = open("/proc/%d/status" % api.proc.pid).read()
    values = dict(l.split(":\t", 1) for l in status.splitlines() if ":\t" in l)
    assert values["NoNewPrivs"] == "1"
    assert values["Seccomp"] == "2"
    assert values["Threads"] == "1"
    assert int(values["CapEff"], 16) == 0 and int(values["CapPrm"], 16) == 0
