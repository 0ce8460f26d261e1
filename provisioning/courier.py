"""``tram courier`` and ``tram bus import``: packages on a stick, on the command line."""

from __future__ import annotations

import argparse
import base64
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import httpx

from appliance.errors import N_, BadInput, TramError, Unavailable, in_words
from appliance.office import courier, courier_minutes
from appliance.office.desk import Desk
from provisioning.queue import CONSOLE
from sync.courier import stick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.reference_bus.config import BusConfig


def run(desk: Desk, options: argparse.Namespace) -> None:
    """Carry out one action. Raises TramError with a sentence where it is refused."""
    from sync.courier.bring import bring
    from sync.courier.load import load

    with _files():
        if options.action == "export":
            courier_id = courier.ask_load(desk, CONSOLE, options.to, options.ids)
            with _kept_why(desk, courier_id):
                load(desk, courier.get(desk.db, courier_id))
            _hand_out(desk, courier_id, options.out)
            return
        with options.file.open("rb") as stream:
            courier_id = courier.ask_bring(desk, CONSOLE, stream)
        with _kept_why(desk, courier_id):
            bring(desk, courier.get(desk.db, courier_id))
        row = courier.get(desk.db, courier_id)
        print(row["report"])
        if row["answer_id"]:
            _hand_out(desk, row["answer_id"], options.out or options.file.parent)


def bring_to_bus(settings: BusConfig, file: Path, out: Path | None) -> None:
    """``tram bus import``. Raises TramError."""
    from sync.reference_bus.courier import taken_in
    from sync.reference_bus.exchange import Exchange

    with _files():
        with file.open("rb") as stream:
            found = _through_the_running_bus(settings, stream)
            if found is None:
                brought, data = taken_in(Exchange(settings), stream)
                found = {**asdict(brought), "name": brought.name, "answer": base64.b64encode(data)}
        print(f"new: {found['new']}, repeated: {found['repeated']}, refused: {len(found['refused'])}")
        for message_id, why in found["refused"]:
            print(f"refused: {message_id}: {why}")
        if found["name"]:
            target = (out or file.parent) / found["name"]
            stick.put_bytes(base64.b64decode(found["answer"]), target)
            print(target)


def _through_the_running_bus(settings: BusConfig, stream: BinaryIO) -> dict[str, Any] | None:
    """What the bus that runs on these settings says of the container; None when none runs. Raises BadInput."""
    address = f"http://127.0.0.1:{settings.operator_port}/control/courier"
    try:
        answer = httpx.post(address, content=stream, timeout=600, trust_env=False)
        found: dict[str, Any] = answer.json()
    except httpx.ConnectError:
        return None
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(N_("Trục đang chạy không trả lời (%(error)s)."), error=error) from error
    if answer.is_error:
        raise BadInput(str(found.get("error")), next_step=str(found.get("next_step", "")))
    return found


def _hand_out(desk: Desk, courier_id: str, folder: Path) -> None:
    """The container, and the minutes of packages handed over, into ``folder``, durable."""
    row = courier.get(desk.db, courier_id)
    target = folder / courier.file_name(row)
    stick.put(desk.blobs.path(row["sha256"]), target)
    if row["kind"] == "load":
        stick.put_bytes(courier_minutes.pdf(desk, courier_id), target.with_suffix(".pdf"))
    print(f"{target}: {row['packages']}, sha256 {row['sha256']}")


@contextmanager
def _kept_why(desk: Desk, courier_id: str) -> Iterator[None]:
    """What was refused says so in the store as well; what comes in too early may be tried again."""
    try:
        yield
    except TramError as error:
        courier.refused(desk, courier_id, str(error), error.advice)
        raise


@contextmanager
def _files() -> Iterator[None]:
    """A stick that is not there, full or torn out, in a person's words."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads what the command prints any more
    except OSError as error:
        raise BadInput(
            N_("Không đọc hoặc ghi được tệp trên USB (%(name)s: %(error)s)."),
            next_step=N_("Cắm lại USB, xem còn chỗ trống, rồi làm lại."),
            name=error.filename or "USB",
            error=in_words(error),
        ) from error
