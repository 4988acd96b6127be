import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def pytest_configure(config):
    # Ended from outside, the servers that were started are ended too.
    def stop(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stop)


@pytest.fixture(scope="session")
def stack():
    """The server that tests share: whoever breaks something starts their own."""
    from stack import Stack
    with Stack.start() as s:
        yield s


@pytest.fixture
def own():
    """A server of the test's own, to break."""
    from stack import Stack
    started = []

    def start(**kw):
        started.append(Stack.start(**kw))
        return started[-1]
    yield start
    for s in started:
        s.close()
