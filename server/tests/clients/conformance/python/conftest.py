"""Where the server under test is, and clients that are ended when their test is."""

import os

import pytest
import socketio


@pytest.fixture
def url() -> str:
    """The server with patient heartbeats: what is tested is the protocol, not the speed of a busy machine."""
    return os.environ["CONFORMANCE_PATIENT_URL"] if "CONFORMANCE_PATIENT_URL" in os.environ else os.environ["CONFORMANCE_URL"]


@pytest.fixture(params=[["websocket"], ["polling"], ["polling", "websocket"]], ids=["websocket", "polling", "upgrade"])
def transports(request) -> list[str]:
    return request.param


@pytest.fixture
def client():
    """Makes synchronous clients (requests and websocket-client)."""
    made = []

    def make(**options) -> socketio.Client:
        made.append(socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.2, **options))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()
