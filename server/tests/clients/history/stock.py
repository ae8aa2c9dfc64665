"""Stock Python clients for `chat-bench check`; the same as stock.mjs, but that this library knows no recovery: they join from their cursors."""

import argparse
import asyncio
import json
import logging
import os
import pathlib
import random
import sys
import time

import socketio

ANSWER_S_MAX = 5
REFUSED_PAUSE_S = 0.3
STATUS_EVERY_S = 0.1
UNSENT_MAX = 8
TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]]


class Chatter:
    """One client, its rooms and its history."""

    def __init__(self, name: str, url: str, transports: list[str], rooms: list[str], path: pathlib.Path, started_us: int):
        self.name = name
        self.url = url
        self.transports = transports
        self.rooms: dict[str, str | None] = dict.fromkeys(rooms)
        self.inside: set[str] = set()
        self.outboxes: dict[str, list[str]] = {room: [] for room in rooms}
        self.sent = 0
        self.token: str | None = None
        self.ready = False
        self.over = False
        self.started_us = started_us
        self.file = path.open("w")
        self.client = self._new_client()

    def _new_client(self) -> socketio.AsyncClient:
        # A client of its own for each connection: the library's own reconnection gives up when a connect is cut half-way.
        client = socketio.AsyncClient(reconnection=False)
        handlers = {
            "disconnect": self._disconnected,
            "ready": self._ready,
            "joined": lambda joined: self._joined(joined["room"], joined["from"]),
            "message": self._message,
            "gap": self._gap,
            "void": self._void,
        }

        def of_this_client(handle):
            # One that was given up may still hear of its session, which is not ours any more.
            return lambda *args: handle(*args) if client is self.client and not self.over else None

        for event, handle in handlers.items():
            client.on(event, of_this_client(handle))
        return client

    def record(self, what: str, **fields) -> None:
        at = max(0, time.monotonic_ns() // 1000 - self.started_us)
        self.file.write(json.dumps({"at": at, "what": what, **fields}) + "\n")

    def _auth(self) -> dict:
        return {"recovery": False, **({"token": self.token} if self.token else {"name": self.name})}

    async def stay_connected(self) -> None:
        while not self.over:
            if not self.client.connected:
                self.client = self._new_client()
                try:
                    await self.client.connect(self.url, auth=self._auth(), transports=self.transports, wait_timeout=5)
                except (socketio.exceptions.SocketIOError, ValueError, OSError, asyncio.TimeoutError):
                    pass
            await asyncio.sleep(0.1)

    def _disconnected(self, *_reason) -> None:
        if self.ready:
            self.record("disconnected", how="disconnect")
        self.ready = False

    def _ready(self, ready: dict) -> None:
        self.record("connected", recovered=ready["recovered"])
        self.token = ready.get("token", self.token)
        self.inside.clear()
        self.ready = True

    def _joined(self, room: str, position: str) -> None:
        self.inside.add(room)
        self.rooms[room] = position
        self.record("joined", room=room, **{"from": position})

    def _message(self, entry: dict) -> None:
        self.rooms[entry["room"]] = entry["position"]
        self.record("entry", room=entry["room"], position=entry["position"], id=entry["id"])

    def _gap(self, gap: dict) -> None:
        self.rooms[gap["room"]] = gap["to"]
        self.record("gap", room=gap["room"], **{"from": gap["from"]}, to=gap["to"], reset=gap["reason"] == "reset")

    def _void(self, void: dict) -> None:
        self.rooms[void["room"]] = void["after"]
        self.record("void", room=void["room"], after=void["after"])

    async def stay_joined(self) -> None:
        while not self.over:
            for room in [room for room in self.rooms if room not in self.inside and self.ready]:
                after = self.rooms[room]
                self.record("join", room=room, after=after)
                await self._ask("join", {"room": room, **({"after": after} if after else {})})
            await asyncio.sleep(0.05)

    async def _ask(self, event: str, arg: dict) -> dict | None:
        client = self.client
        try:
            answer = await client.call(event, arg, timeout=ANSWER_S_MAX)
        except (socketio.exceptions.SocketIOError, OSError, ValueError):
            await asyncio.sleep(0.05)
            # An application whose server is silent makes a new connection.
            if client is self.client and client.connected and event == "join":
                await client.disconnect()
            return None
        if answer["ok"]:
            return answer
        self.record("refused", code=answer["error"]["code"])
        await asyncio.sleep(answer["error"].get("retry_after_ms", REFUSED_PAUSE_S * 1000) / 1000)
        return None

    def compose(self) -> None:
        room = random.choice(list(self.rooms))
        if len(self.outboxes[room]) >= UNSENT_MAX:
            return
        self.sent += 1
        name = f"{self.name}-{self.sent}"
        self.outboxes[room].append(name)
        self.record("sent", room=room, id=name)

    async def deliver(self, room: str) -> None:
        outbox = self.outboxes[room]
        while not self.over:
            if not outbox or room not in self.inside or not self.ready:
                await asyncio.sleep(0.01)
                continue
            name = outbox[0]
            answer = await self._ask("send", {"room": room, "id": name, "text": f"text of {name}"})
            if answer:
                outbox.pop(0)
                durable = answer.get("replicated", True)
                self.record("acked", room=room, id=name, position=answer["position"], durable=durable)

    def status(self) -> dict:
        rooms = {room: position if room in self.inside else None for room, position in self.rooms.items()}
        return {"ready": self.ready, "unsent": sum(map(len, self.outboxes.values())), "rooms": rooms}

    def end(self) -> None:
        self.over = True
        self.record("end")
        self.file.close()


async def talk(chatter: Chatter, rate: float, talking: asyncio.Event) -> None:
    while talking.is_set():
        await asyncio.sleep(random.expovariate(rate))
        if talking.is_set():
            chatter.compose()


async def tell(chatters: list[Chatter]) -> None:
    while True:
        print(json.dumps({"clients": [chatter.status() for chatter in chatters]}), flush=True)
        await asyncio.sleep(STATUS_EVERY_S)


# Connections that break are the point here; the libraries have much to say about each.
logging.disable(logging.CRITICAL)


async def run(args: argparse.Namespace) -> None:
    urls = args.url.split(",")
    chatters = []
    for index in range(args.clients):
        rooms = [f"{args.run}-{(index + k) % args.rooms}" for k in range(1 + index % min(args.rooms, 3))]
        path = args.history / f"stock-python-{index:04}.jsonl"
        transports = TRANSPORTS[index % len(TRANSPORTS)]
        chatters.append(Chatter(f"{args.run}-py-{index}", urls[index % len(urls)], transports, rooms, path, args.started_us))
    talking = asyncio.Event()
    talking.set()
    # Tasks that nobody holds may be collected while they run.
    tasks = [asyncio.create_task(tell(chatters))]
    for chatter in chatters:
        parts = [chatter.stay_connected(), chatter.stay_joined(), talk(chatter, args.rate, talking)]
        parts += [chatter.deliver(room) for room in chatter.rooms]
        tasks += [asyncio.create_task(part) for part in parts]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    # The end of the input is the end of whoever started this.
    while (line := (await lines.readline()).decode().strip()) not in ("", "end"):
        if line == "rest":
            talking.clear()
    for chatter in chatters:
        chatter.end()
    # The histories are on disk. The library's connections in the making do not end in an orderly way, and need not.
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--url", "--run"):
        parser.add_argument(name, required=True)
    for name in ("--rooms", "--clients", "--started-us"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--history", type=pathlib.Path, required=True)
    asyncio.run(run(parser.parse_args()))


main()
