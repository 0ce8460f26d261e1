"""One package to the bus: small ones in one PUT, others as a resumable upload that goes on where the line broke.

IETF draft-ietf-httpbis-resumable-upload in the careful form (bus-link C.3): an empty PUT says what will come, so that
every "no" costs no bytes; then pieces as large as the bus takes. The bus keeps each byte it reads, hence a cut costs
only what was under way. Cuts are mended here as long as bytes get through; the engine hears of it when they do not.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpcore
import httpx

from appliance.errors import N_
from sync.bus.base import BusError, Outbound, Outcome, SendResult, Yielded
from sync.bus.native import answers
from sync.bus.native.failures import link_error, tls_refusal
from sync.bus.native.receipts import ReceiptJudge
from sync.bus.native.spool import SMALL, Coded
from sync.bus.native.wire import ask

LineFailure = httpcore.NetworkError | httpcore.TimeoutException | httpcore.ProtocolError
_LINE_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
PATIENCE = 60.0
"""Seconds without a single new byte at the bus after which the engine decides when to go on."""
_QUICK, _SLOW = 2.0, 15.0
"""Seconds for one try to connect: short ones meet the moment when the line is back; later ones fit slow lines."""
_LEAST, _MOST = 64 << 10, 64 << 20
_DEFAULT_MOST = 4 << 20
_ASK, _NEARLY = 1.0, 256 << 10
"""Seconds between two looks for something more urgent; with fewer bytes than this left an upload is not given up."""
_STRANGE = 5
"""Times the bus may contradict itself about one upload before it is left for later."""


@dataclass
class _Progress:
    """How far one upload is. ``offset`` None: to be asked. ``best``: the furthest point the bus ever confirmed."""

    offset: int | None = None
    created: bool = False
    best: int = 0
    most: int = _DEFAULT_MOST
    piece: int = 0
    """Largest piece at the moment; halved where a broken one leaves nothing behind (a proxy that gathers bodies)."""
    sent: int = 0
    last_left: bool = False
    strange: int = 0
    failures: int = 0
    moved_at: float = 0.0


class Uploader:
    """Sends packages to ``base``. May be shared by threads."""

    def __init__(
        self, connections: httpcore.ConnectionPool, base: str, receipts: ReceiptJudge, patience: float = PATIENCE
    ) -> None:
        self._connections, self._base, self._receipts, self._patience = connections, base, receipts, patience

    def send(self, message: Outbound, coded: Coded) -> SendResult:
        """Hand over one package. BusError: it certainly was not taken; UNKNOWN once the last byte has left."""
        if coded.size < SMALL:
            return self._in_one(message, coded)
        return self._in_pieces(message, coded)

    def _in_one(self, message: Outbound, coded: Coded) -> SendResult:
        body = _Body(coded, 0, coded.size)
        headers = _announcement(message, coded) | {"Upload-Complete": "?1", "Content-Length": str(coded.size)}
        try:
            answer = ask(self._connections, "PUT", self._message(message), headers, iter(body))
        except _LINE_FAILURES as error:
            failure = link_error(error, connected=body.sent > 0, bytes_sent=body.sent)
            if body.last_left and tls_refusal(error) is None:
                return SendResult(Outcome.UNKNOWN, reason=str(failure), bytes_sent=body.sent)
            raise failure from error
        return self._judge(answer, message, body.sent)

    def _in_pieces(self, message: Outbound, coded: Coded) -> SendResult:
        progress = _Progress(moved_at=time.monotonic())
        while True:
            try:
                found = self._step(message, coded, progress)
                progress.failures = 0
            except Yielded as error:
                error.bytes_sent = progress.sent
                raise
            except BusError as error:
                if not progress.last_left:
                    raise
                # the end may have arrived with an earlier request: this refusal speaks of another one
                return _unknown(error, progress)
            except _LINE_FAILURES as error:
                progress.failures += 1
                progress.offset = None
                if self._hopeless(error, progress):
                    return _gave_up(error, progress)
                _pause(error)
                continue
            if found is not None:
                return found

    def _step(self, message: Outbound, coded: Coded, progress: _Progress) -> SendResult | None:
        """The next request of an upload; the result when it was the last."""
        if not progress.created:
            return self._create(message, coded, progress)
        if progress.offset is None:
            return self._where(message, coded, progress)
        return self._append(message, coded, progress)

    def _create(self, message: Outbound, coded: Coded, progress: _Progress) -> SendResult | None:
        headers = _announcement(message, coded)
        headers |= {"Upload-Complete": "?0", "Upload-Length": str(coded.size), "Content-Length": "0"}
        answer = ask(self._connections, "PUT", self._message(message), headers, connect=_patience(progress))
        if answer.status_code in (200, 201) and "Upload-Offset" in answer.headers:
            progress.created = True
            limit = re.search(r"max-append-size=(\d{1,12})", answer.headers.get("Upload-Limit", ""))
            progress.most = max(_LEAST, min(int(limit.group(1)), _MOST)) if limit else _DEFAULT_MOST
            progress.piece = progress.piece or progress.most
            self._told(answer, coded, progress)
            return None
        if answer.status_code in (200, 201) and not answer.headers.get("Content-Type", "").startswith("application/jo"):
            raise answers.not_the_bus()  # nothing of the package has left yet
        return self._judge(answer, message, progress.sent)

    def _where(self, message: Outbound, coded: Coded, progress: _Progress) -> SendResult | None:
        url = f"{self._base}/uploads/{message.id}"
        answer = ask(self._connections, "HEAD", url, {}, connect=_patience(progress), read=15.0)
        if answer.status_code in (404, 410):
            self._again(progress)
            return None
        if answer.status_code not in (200, 204):
            raise answers.refused(answer)
        if answer.headers.get("Upload-Complete") == "?1":
            progress.last_left = True  # the bus says that it has all of it: from now on only a receipt settles it
            answer = ask(self._connections, "GET", f"{self._message(message)}/receipt", {}, connect=_patience(progress))
            if answer.status_code not in (200, 201):
                raise answers.refused(answer)
            return self._judge(answer, message, progress.sent)
        before = progress.best
        self._told(answer, coded, progress)
        if progress.best == before and progress.sent > before + progress.piece // 2:
            progress.piece = max(_LEAST, progress.piece // 2)
        return None

    def _append(self, message: Outbound, coded: Coded, progress: _Progress) -> SendResult | None:
        start = progress.offset or 0
        length = min(progress.piece, coded.size - start)
        last = start + length == coded.size
        # once the end may have arrived, only an answer can say that it was not taken
        body = _Body(coded, start, length, message.yield_to if not progress.last_left else None)
        headers = {
            "Content-Type": "application/partial-upload",
            "Content-Length": str(length),
            "Upload-Offset": str(start),
            "Upload-Complete": "?1" if last else "?0",
            "Content-Digest": _digest_header(coded.digest(start, length)),
        }
        doubt = progress.last_left
        try:
            answer = ask(
                self._connections, "PATCH", f"{self._base}/uploads/{message.id}", headers, iter(body),
                connect=_patience(progress),
            )  # fmt: skip
        finally:
            progress.sent += body.sent
            progress.last_left |= last and body.last_left
        status = answer.status_code
        if "Upload-Offset" in answer.headers or answers.is_problem(answer):
            progress.last_left = doubt  # the bus's own word on this very piece
        if status == 204 or (status == 409 and "Upload-Offset" in answer.headers):
            progress.piece = min(progress.most, 2 * progress.piece) if status == 204 else progress.piece
            self._told(answer, coded, progress, after_piece=True)
            return None
        if status in (404, 410) or (status == 422 and answers.slug(answer) == "digest-mismatch"):
            self._again(progress)
            return None
        return self._judge(answer, message, progress.sent)

    def _told(self, answer: httpx.Response, coded: Coded, progress: _Progress, *, after_piece: bool = False) -> None:
        """Go on where the bus says. Raises BusError when it keeps saying what cannot be."""
        text = answer.headers.get("Upload-Offset", "")
        offset = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
        if offset > progress.best:
            progress.best, progress.moved_at = offset, time.monotonic()
        elif offset < progress.best or after_piece:
            self._strange(progress)
        if not 0 <= offset <= coded.size:
            self._again(progress)
            return
        progress.offset = offset

    def _again(self, progress: _Progress) -> None:
        """The bus has lost the upload, or holds other bytes: announce it anew, with the same id."""
        self._strange(progress)
        progress.created, progress.offset, progress.best = False, None, 0

    def _strange(self, progress: _Progress) -> None:
        progress.strange += 1
        if progress.strange > _STRANGE:
            raise BusError(
                N_("Trục không giữ được phần đã tải lên của gói tin này; trạm sẽ gửi lại sau."),
                connected=True,
                bytes_sent=progress.sent,
            )

    def _hopeless(self, error: LineFailure, progress: _Progress) -> bool:
        """Whether this failure is for the engine: TLS says no, nobody was ever there, or no byte got through lately."""
        never = not progress.created
        return never or tls_refusal(error) is not None or time.monotonic() - progress.moved_at > self._patience

    def _judge(self, answer: httpx.Response, message: Outbound, sent: int) -> SendResult:
        if answer.status_code in (200, 201):
            return self._receipts.judge(answer.content, message, sent, answer.status_code)
        return answers.not_accepted(answer, sent)

    def _message(self, message: Outbound) -> str:
        return f"{self._base}/messages/{message.id}"


class _Body:
    """Part of a package in pieces; remembers how much was handed to the socket and whether the end was among it.

    Raises Yielded where ``yield_to``, asked now and then, says that something else should go first.
    """

    def __init__(self, coded: Coded, start: int, length: int, yield_to: Callable[[], bool] | None = None) -> None:
        self._pieces, self._length = coded.pieces(start, length), length
        self._left = coded.size - start
        self._yield_to, self._asked_at = yield_to, -_ASK
        self.sent = 0
        self.last_left = length == 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._make_room()
            # set before it goes: while it is being written it may arrive whole
            self.last_left = self.sent + len(piece) >= self._length
            yield piece
            self.sent += len(piece)

    def _make_room(self) -> None:
        if self._yield_to is None or self._left - self.sent < _NEARLY or time.monotonic() < self._asked_at + _ASK:
            return
        self._asked_at = time.monotonic()
        if self._yield_to():
            raise Yielded(N_("Đang nhường đường truyền cho gói tin gấp hơn; trạm gửi tiếp phần còn lại ngay sau đó."))


def _announcement(message: Outbound, coded: Coded) -> dict[str, str]:
    """The headers of a PUT that say what comes and for whom."""
    headers = {
        "Content-Type": "application/edxml+xml",
        "Repr-Digest": _digest_header(bytes.fromhex(coded.sha256)),
        "Edoc-Kind": message.kind,
        "Edoc-Priority": str(message.priority),
        "Edoc-From": message.sender,
        "Edoc-To": ",".join(message.recipients),
        "Upload-Draft-Interop-Version": "8",
    }
    if coded.coding:
        headers |= {"Content-Encoding": coded.coding, "Edoc-Digest": _digest_header(bytes.fromhex(message.sha256))}
    return headers


def _gave_up(error: LineFailure, progress: _Progress) -> SendResult:
    """UNKNOWN when the end may have arrived, else the BusError for the engine."""
    failure = link_error(error, connected=progress.created or progress.sent > 0, bytes_sent=progress.sent)
    if progress.last_left:  # also when TLS says no now: that was a later connection
        return _unknown(failure, progress)
    raise failure from error


def _unknown(error: BusError, progress: _Progress) -> SendResult:
    return SendResult(
        Outcome.UNKNOWN, reason=str(error), bytes_sent=progress.sent, http_status=error.http_status
    )  # fmt: skip


def _patience(progress: _Progress) -> float:
    """Seconds to wait for a connection."""
    return _SLOW if not progress.created or progress.failures > 15 else _QUICK


def _pause(error: LineFailure) -> None:
    """A refused connection comes back at once; do not hammer."""
    time.sleep(0.1 if isinstance(error, httpcore.TimeoutException) else 0.5)


def _digest_header(digest: bytes) -> str:
    """RFC 9530."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"
