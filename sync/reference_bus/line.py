"""A faulty line in front of the bus: a TCP proxy whose faults are switched while it runs (bus-link C.9).

It forwards TLS bytes untouched and knows no key. All faults act on open connections too.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace

from appliance.errors import N_, BadInput
from sync.reference_bus.tls_records import RecordMeter

_CHUNK = 16_384
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Faults:
    """The switches. All off: a perfect line."""

    down: bool = False
    """Reset new and open connections."""
    stall: bool = False
    """Connections stay open, but nothing gets through in either direction."""
    bytes_per_second: int = 0
    """Speed of each direction of each connection; 0: unlimited."""
    latency_ms: int = 0
    """Added to everything that goes through, each way."""
    drop_answer: str = "off"
    """'once' or 'always': the request gets through whole, then the line breaks before any byte of the answer."""
    drop_answer_from: int = 0
    """Only answers to requests of at least this many bytes are dropped, so that polling does not use up 'once'."""
    cut_after: int = 0
    """Break the connection once this many request bytes went through (TLS 1.3 greeting counted in); 0: never."""

    def changed(self, values: dict[str, object]) -> Faults:
        """A copy with ``values``; raises BadInput naming a switch that is unknown or of the wrong kind."""
        kinds = {field.name: type(field.default) for field in fields(self)}
        for key, value in values.items():
            if key not in kinds:
                raise BadInput(N_("Đường truyền không có công tắc “%(key)s”."), key=key)
            wrong = type(value) is not kinds[key] or (type(value) is int and value < 0)
            if wrong or (key == "drop_answer" and value not in ("off", "once", "always")):
                raise BadInput(N_("Giá trị của công tắc “%(key)s” không dùng được."), key=key)
        return replace(self, **values)  # type: ignore[arg-type]


@dataclass
class Traffic:
    """What the line has seen since it started."""

    connections: int = 0
    open: int = 0
    refused: int = 0
    cut: int = 0
    answers_dropped: int = 0
    bytes_up: int = 0
    bytes_down: int = 0


class Line:
    """Listens on ``listen`` and forwards to ``target``; runs its own event loop in its own thread."""

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self._listen, self._target = listen, target
        self.faults = Faults()
        self.traffic = Traffic()
        self._loop = asyncio.new_event_loop()
        self._open: set[_Connection] = set()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, *self._listen))
        self._thread.start()

    def stop(self) -> None:
        """Reset everything and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def switch(self, values: dict[str, object]) -> Faults:
        """Change some switches; in force when this returns. Raises BadInput."""
        return asyncio.run_coroutine_threadsafe(self._switch(values), self._loop).result(timeout=10)

    def state(self) -> dict[str, object]:
        """Switches and traffic, for JSON."""
        return {**asdict(self.faults), "traffic": asdict(self.traffic)}

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _switch(self, values: dict[str, object]) -> Faults:
        """Runs in the line's own thread, where ``take_drop`` changes switches too."""
        self.faults = self.faults.changed(values)
        if self.faults.down:
            for connection in list(self._open):
                connection.reset()
        return self.faults

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Only our own stop cancels; asyncio's streams of Python 3.11 would log a traceback for a task ended that way.
        with suppress(asyncio.CancelledError):
            await self._carry(reader, writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.down:
            self.traffic.refused += 1
            _abort(writer)
            return
        try:
            bus_reader, bus_writer = await asyncio.open_connection(*self._target)
        except OSError as error:
            _log.warning("the bus behind the line does not answer: %s", error)
            self.traffic.refused += 1
            _abort(writer)
            return
        self.traffic.connections += 1
        connection = _Connection(self, (reader, writer), (bus_reader, bus_writer))
        self._open.add(connection)
        self.traffic.open += 1
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            self.traffic.open -= 1

    def take_drop(self, request_bytes: int) -> bool:
        """Whether the answer that begins now is to be dropped; uses up 'once'."""
        faults = self.faults
        if faults.drop_answer == "off" or request_bytes < faults.drop_answer_from:
            return False
        if faults.drop_answer == "once":
            self.faults = replace(faults, drop_answer="off")
        self.traffic.answers_dropped += 1
        return True


_Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    """One client connection and its twin towards the bus."""

    def __init__(self, line: Line, client: _Pair, bus: _Pair) -> None:
        self._line, self._client, self._bus = line, client, bus
        self._request = RecordMeter()
        self._answered_at = 0
        """Application bytes the client had sent when the last answer began."""

    async def run(self) -> None:
        """Forward until either side ends or a fault strikes."""
        up = asyncio.create_task(self._pump_up())
        down = asyncio.create_task(self._pump_down())
        try:
            await asyncio.gather(up, down)
        except OSError:
            self.reset()
        finally:
            for task in (up, down):
                task.cancel()
            for _, writer in (self._client, self._bus):
                writer.close()

    def reset(self) -> None:
        """Break both sides at once."""
        for _, writer in (self._client, self._bus):
            _abort(writer)

    async def _pump_up(self) -> None:
        """Client to bus: the requests."""
        reader, writer = self._client[0], self._bus[1]
        while data := await reader.read(_CHUNK):
            limit = self._line.faults.cut_after
            self._request.feed(data)
            surplus = self._request.application_bytes - self._answered_at - limit
            if limit and surplus > 0:
                data = data[: max(0, len(data) - surplus)]
            await self._forward(data, writer)
            self._line.traffic.bytes_up += len(data)
            if limit and surplus > 0:
                self._line.traffic.cut += 1
                raise ConnectionAbortedError("cut_after")
        _half_close(writer)

    async def _pump_down(self) -> None:
        """Bus to client: the greeting and the answers."""
        reader, writer = self._bus[0], self._client[1]
        while data := await reader.read(_CHUNK):
            request_bytes = self._request.application_bytes - self._answered_at
            if request_bytes and self._line.take_drop(request_bytes):
                raise ConnectionAbortedError("drop_answer")
            self._answered_at = self._request.application_bytes
            await self._forward(data, writer)
            self._line.traffic.bytes_down += len(data)
        _half_close(writer)

    async def _forward(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        """Write ``data`` at the line's present speed, in pieces small enough that a switch acts within a moment."""
        if self._line.faults.latency_ms:
            await asyncio.sleep(self._line.faults.latency_ms / 1000)
        while data:
            while self._line.faults.stall:
                await asyncio.sleep(0.05)
            speed = self._line.faults.bytes_per_second
            piece = data[: max(1, speed // 10)] if speed else data
            data = data[len(piece) :]
            writer.write(piece)
            await writer.drain()
            if speed:
                await asyncio.sleep(len(piece) / speed)


def _half_close(writer: asyncio.StreamWriter) -> None:
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of a polite end."""
    raw = writer.get_extra_info("socket")
    if raw is not None and not writer.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
