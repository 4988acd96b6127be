"""Calls to the server over one kept-alive connection."""
import http.client
import json
import socket

PATIENCE = 60


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The catalogue id of a problem; None where it is not one."""
        if self.headers.get_content_type() != "application/problem+json":
            return None
        kind = self.json()["type"]
        assert kind.startswith("urn:resguardo:error:"), kind
        return kind[len("urn:resguardo:error:"):]

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:600])


class Connection(http.client.HTTPSConnection):
    """To this machine, verified as localhost."""

    def __init__(self, port, context, timeout=PATIENCE):
        super().__init__("localhost", port, context=context, timeout=timeout)
        self._ctx = context

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._ctx.wrap_socket(raw, server_hostname="localhost")


class Client:
    """One kept-alive connection; not for two threads."""

    def __init__(self, stack):
        self.stack, self.conn = stack, None

    def __call__(self, method, path, key=None, json_=None, headers=None, raw=None,
                 again=True):
        head = dict(headers or {})
        body = raw
        if key is not None:
            head["Authorization"] = "Bearer " + key
        if json_ is not None:
            body = json.dumps(json_).encode()
            head.setdefault("Content-Type", "application/json")
        fresh = self.conn is None
        try:
            if fresh:
                self.conn = Connection(self.stack.port, self.stack.tls())
            self.conn.request(method, path, body=body, headers=head)
            r = self.conn.getresponse()
            answer = Answer(r.status, r.headers, r.read())
            if r.will_close:
                self.close()
            return answer
        except (OSError, http.client.HTTPException):
            self.close()
            # A kept connection may have been closed between two requests.
            if fresh or not again:
                raise
            return self(method, path, key, json_, headers, raw, again=False)

    def close(self):
        if self.conn is not None:
            self.conn.close()
        self.conn = None
