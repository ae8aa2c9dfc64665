"""python-socketio knows no connection state recovery: it joins again from its own cursor, and misses nothing either."""

import os
import pathlib
import queue
import subprocess
import threading
import time
import uuid

import pytest
import socketio

URL = os.environ.get("TARGET_URL", "http://127.0.0.1:3000")
SEED = os.environ.get("RECOVERY_SEED", str(time.time_ns() % 1_000_000_000))
SECONDS = float(os.environ.get("RECOVERY_SECONDS", "10"))
STEP_S_MAX = 30
# The library finds a half-open polling connection by the timeouts of its requests, one after the other.
CATCH_UP_S_MAX = 90
BREAKING = pathlib.Path(__file__).parent.parent / "breaking.mjs"


@pytest.fixture(params=[["websocket"], ["polling"], ["polling", "websocket"]], ids=["websocket", "polling", "upgrade"])
def broken(request):
    """A proxy that breaks connections of these transports; its address and the transports."""
    print(f"RECOVERY_SEED={SEED}")
    proxy = subprocess.Popen(["node", BREAKING, URL, SEED, *request.param], stdout=subprocess.PIPE, text=True)
    yield proxy.stdout.readline().strip(), request.param
    proxy.terminate()
    proxy.wait()


class Reader:
    """Reads a room through broken connections, with a cursor of its own."""

    def __init__(self, url: str, room: str, transports: list[str]):
        self.room = room
        self.cursor = "0-0"
        self.texts: list[str] = []
        self.wrong: list[str] = []
        self.connects = 0
        self.fresh = queue.Queue()
        self.client = socketio.Client(reconnection_delay=0.01, reconnection_delay_max=0.05)
        self.client.on("ready", self._ready)
        self.client.on("message", self._message)
        self.over = False
        threading.Thread(target=self._keep_connected, args=(url, transports), daemon=True).start()
        threading.Thread(target=self._keep_joined, daemon=True).start()

    def _keep_connected(self, url: str, transports: list[str]) -> None:
        # The library's own reconnection gives up when a connect is cut half-way; an application would try again, too.
        while not self.over:
            try:
                if not self.client.connected and not self.client._reconnect_task:
                    self.client.connect(url, auth={"name": "Reader", "recovery": False}, transports=transports, wait_timeout=2)
            except (socketio.exceptions.SocketIOError, ValueError):
                pass
            time.sleep(0.05)

    def _ready(self, ready) -> None:
        self.connects += 1
        self.fresh.put(ready)

    def _keep_joined(self) -> None:
        while not self.over:
            self.fresh.get()
            try:
                self.client.emit("join", {"room": self.room, "after": self.cursor})
            except socketio.exceptions.SocketIOError:
                pass  # Cut in this moment: the next `ready` asks again.

    def _message(self, entry) -> None:
        n = int(entry["position"].split("-")[1])
        if n != int(self.cursor.split("-")[1]) + 1:
            self.wrong.append(f"{entry['position']} after {self.cursor}")
        self.cursor = entry["position"]
        self.texts.append(entry["text"])


def test_nothing_is_missed(broken):
    url, transports = broken
    room = f"room-{uuid.uuid4().hex[:12]}"
    speaker = socketio.Client()
    speaker.connect(URL, auth={"name": "Speaker", "recovery": False}, transports=["websocket"])
    assert speaker.call("join", {"room": room}, timeout=STEP_S_MAX)["ok"]
    reader = Reader(url, room, transports)
    said = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert speaker.call("send", {"room": room, "id": str(said), "text": str(said)}, timeout=STEP_S_MAX)["ok"]
        said += 1
        time.sleep(0.01)
    deadline = time.monotonic() + CATCH_UP_S_MAX
    while len(reader.texts) < said and not reader.wrong and time.monotonic() < deadline:
        time.sleep(0.05)
    reader.over = True
    try:
        assert reader.wrong == []
        assert reader.texts == [str(number) for number in range(said)]
        assert reader.connects > 2, "this shows nothing"
    finally:
        speaker.shutdown()
