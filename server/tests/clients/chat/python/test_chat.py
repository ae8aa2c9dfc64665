"""python-socketio in the chat: guests and users, on every transport, with handlers that take one argument."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import queue
import time
import uuid

import pytest
import socketio

URL = os.environ.get("TARGET_URL", "http://127.0.0.1:3000")
SECRET = os.environ.get("TARGET_JWT_SECRET", "")
STEP_S_MAX = 10
TRANSPORTS = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": ["polling", "websocket"]}


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def token(sub: str, name: str) -> str:
    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': sub, 'name': name, 'exp': int(time.time()) + 3600})}"
    signature = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class Person:
    """A client whose handlers take exactly one argument, as this library's users write them."""

    def __init__(self, auth: dict, transports: list[str]):
        self.client = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.1)
        self.told = {event: queue.Queue() for event in ("ready", "joined", "message", "presence", "typing", "receipt")}
        for event, heard in self.told.items():
            self.client.on(event, self._keep(heard))
        self.client.connect(URL, auth={"recovery": False, **auth}, transports=transports)
        self.ready = self.told["ready"].get(timeout=STEP_S_MAX)

    @staticmethod
    def _keep(heard: queue.Queue):
        def handler(data):
            heard.put(data)

        return handler

    def does(self, event: str, data: dict) -> dict:
        answer = self.client.call(event, data, timeout=STEP_S_MAX)
        assert answer["ok"], answer
        return answer

    def refused(self, code: str, event: str, data) -> None:
        answer = self.client.call(event, data, timeout=STEP_S_MAX)
        assert not answer["ok"]
        assert answer["error"]["code"] == code

    def message(self) -> dict:
        return self.told["message"].get(timeout=STEP_S_MAX)


@pytest.fixture(params=TRANSPORTS.values(), ids=TRANSPORTS.keys())
def person(request):
    """Connects people by one transport; they leave with the test."""
    made = []

    def connect(**auth) -> Person:
        made.append(Person(auth, request.param))
        return made[-1]

    yield connect
    for one in made:
        one.client.shutdown()


def test_two_guests_talk(person):
    room = unique("room")
    ada, bob = person(name="Ada"), person(name="Bob")
    assert ada.ready["user"]["name"] == "Ada"
    assert ada.ready["recovered"] is False
    for one in (ada, bob):
        assert one.does("join", {"room": room})["room"]["room"] == room
        assert one.told["joined"].get(timeout=STEP_S_MAX)["room"] == room
    sent = ada.does("send", {"room": room, "id": "1", "text": "hello € 🎉"})
    for one in (ada, bob):
        entry = one.message()
        assert (entry["text"], entry["position"], entry["from"]) == ("hello € 🎉", sent["position"], ada.ready["user"])


def test_a_hundred_messages_come_once_and_in_order(person):
    room = unique("room")
    ada, bob = person(name="Ada"), person(name="Bob")
    ada.does("join", {"room": room})
    bob.does("join", {"room": room})
    for number in range(100):
        ada.client.emit("send", {"room": room, "id": str(number), "text": str(number)})
    assert [bob.message()["text"] for _ in range(100)] == [str(number) for number in range(100)]
    late = person(name="Late")
    late.does("join", {"room": room, "last": 50})
    assert [late.message()["text"] for _ in range(50)] == [str(number) for number in range(50, 100)]
    page = late.does("history", {"room": room, "limit": 5})
    assert [entry["text"] for entry in page["entries"]] == ["95", "96", "97", "98", "99"]
    assert page["more"] is True


def test_an_application_user(person):
    sub = unique("user")
    ada = person(token=token(sub, "Ada"))
    assert ada.ready["user"] == {"id": sub, "name": "Ada"}


def test_errors_are_answers(person):
    ada = person(name="Ada")
    ada.refused("not_found", "history", {"room": unique("nowhere")})
    ada.refused("invalid", "join", {"room": 5})
    ada.refused("invalid", "send", "text")
    ada.refused("invalid", "join", {"room": b"bytes"})


def test_a_bad_token_is_refused():
    client = socketio.Client(reconnection=False)
    errors: queue.Queue = queue.Queue()
    client.on("connect_error", errors.put)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(URL, auth={"token": token("x", "X")[:-4] + "AAAA"}, transports=["websocket"])
    error = errors.get(timeout=STEP_S_MAX)
    assert error["data"]["code"] == "unauthenticated"
    client.shutdown()


def test_typing_and_receipts(person):
    room = unique("room")
    ada, bob = person(name="Ada"), person(name="Bob")
    ada.does("join", {"room": room})
    bob.does("join", {"room": room})
    bob.does("typing", {"room": room, "typing": True})
    assert ada.told["typing"].get(timeout=STEP_S_MAX) == {"room": room, "user": bob.ready["user"], "typing": True}
    position = ada.does("send", {"room": room, "id": "1", "text": "x"})["position"]
    assert bob.does("read", {"room": room, "position": position})["unread"] == 0


@pytest.mark.parametrize("transports", TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_asyncio_client(transports):
    async def talk():
        room = unique("room")
        client = socketio.AsyncClient()
        seen: asyncio.Queue = asyncio.Queue()

        async def message(entry):
            await seen.put(entry["text"])

        client.on("message", message)
        await client.connect(URL, auth={"name": "Ada", "recovery": False}, transports=transports)
        try:
            assert (await client.call("join", {"room": room}, timeout=STEP_S_MAX))["ok"]
            for number in range(50):
                await client.emit("send", {"room": room, "id": str(number), "text": str(number)})
            assert [await asyncio.wait_for(seen.get(), STEP_S_MAX) for _ in range(50)] == [str(number) for number in range(50)]
        finally:
            await client.disconnect()

    asyncio.run(talk())
