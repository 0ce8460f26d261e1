"""What a run found, as Markdown, and whether it keeps what was promised."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version

from appliance.clock import VN
from tests.bench.exchange import download
from tests.bench.exchange.download import Fetched
from tests.bench.exchange.drain import Drain
from tests.bench.exchange.goodput import CASES, PATIENCE, Transfer
from tests.bench.exchange.offices import Round

LEAST_RATIO, MOST_RESENT, LEAST_OF_UPTIME, MOST_WIRE = 0.9, 1.15, 0.85, 1.03


@dataclass
class Findings:
    """``transfers[case]``: who → one transfer; whatever was not asked for is missing."""

    transfers: dict[str, dict[str, Transfer]] = field(default_factory=dict)
    fetched: dict[str, dict[str, Fetched]] = field(default_factory=dict)
    drain: Drain | None = None
    offices: tuple[Round, Round] | None = None
    load: list[float] = field(default_factory=list)


def markdown(found: Findings, command: str) -> str:
    """The whole report."""
    parts = [
        "# The exchange: goodput, bytes on the wire, long queues",
        f"Written by `{command}` on {datetime.now(VN):%Y-%m-%d %H:%M}. Machine: {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, httpx {version('httpx')}, kernel {platform.release().split('-')[0]}. "
        f"Load average: {min(found.load):.1f} to {max(found.load):.1f}.",
    ]
    if found.transfers:
        parts += ["## One document over a shaped line", _LINES, _transfers(found)]
    if found.fetched:
        parts += ["## One document on its way down", _DOWN, _fetched(found)]
    if found.drain:
        parts += ["## A long queue", _drain(found.drain)]
    if found.offices:
        parts += ["## Many offices at one bus", _offices(*found.offices)]
    return "\n\n".join([*parts, "## What was promised", *_verdicts(found)]) + "\n"


_LINES = f"""\
Box and bus live in network namespaces of their own with an emulated line between them (rate, delay half of the round
trip each way, loss in both directions, a bounded queue, outages that also lose what is under way). The box's side is
the real link process with everything that it does besides (clock, directory, inbox); seconds from the start of the
first try to the receipt in the store. curl PUTs the same package, coded the same way (gzip), over mutual TLS to the
same bus in one request, and is given up after {PATIENCE:.0f} s. The file is random bytes: it does not compress.
Goodput counts the file's bytes. "Body": bytes of the request's body handed to the connection, repeats counted, per
byte of the coded package. "TCP": payload of all TCP segments (TLS, HTTP headers, what TCP sends again), "IP": those
segments with their headers, each per byte of the file. A full segment of 1500 bytes has 52 bytes of headers, so IP
is above 1.036 whatever one does."""


def _transfers(found: Findings) -> str:
    rows = [
        "| line | who | TCP's control | file, bytes | seconds | goodput, kB/s | tries | body | TCP | IP |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, both in found.transfers.items():
        for one in both.values():
            took = f"{one.seconds:.1f}" if one.seconds else "did not arrive"
            rows.append(
                f"| {CASES[name].name} | {one.who} | {one.congestion} | {one.file} | {took} | {one.goodput / 1000:.1f} "
                f"| {one.tries} | {one.body / one.coded:.3f} | {one.tcp / one.file:.3f} | {one.wire / one.file:.3f} |"
            )
    return "\n".join(rows)


_DOWN = """\
The same lines; the document waits at the bus. The box: from the start of its link process, which also asks for the
time, the address book and the inbox, until the document stands in the store. curl GETs the same content, coded the
same way, in one request. "TCP": payload of all TCP segments that came down, per byte of the file."""


def _fetched(found: Findings) -> str:
    rows = ["| line | who | file, bytes | seconds | goodput, kB/s | TCP |", "|---|---|--:|--:|--:|--:|"]
    for name, both in found.fetched.items():
        for one in both.values():
            took = f"{one.seconds:.1f} | {one.file / one.seconds / 1000:.1f}" if one.seconds else "did not arrive | 0"
            rows.append(f"| {download.CASES[name].name} | {one.who} | {one.file} | {took} | {one.tcp / one.file:.3f} |")
    return "\n".join(rows)


def _drain(drain: Drain) -> str:
    return (
        f"{drain.documents} documents of 10 kB wait, one of them urgent and queued last; then the link process "
        f"starts. Drained after {drain.box:.1f} s ({drain.documents / drain.box:.0f} a second, each durable at the "
        "bus, its receipt checked and durable at the box). A bare client that PUTs the same packages on one kept "
        f"connection and stores nothing: {drain.bare:.1f} s; ratio {drain.box / drain.bare:.2f}. "
        f"The urgent document was {'the first' if drain.urgent_first else '**not the first**'} at the bus."
    )


def _offices(few: Round, many: Round) -> str:
    rows = [
        "Each exchange: a document handed in, listed, fetched, its bytes checked, acknowledged; a new TLS connection",
        "for each turn of an office. Bus and offices share this machine.",
        "",
        "| offices | exchanges | seconds | exchanges a second | request, median ms | request, 95 % below ms |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for one in (few, many):
        rows.append(
            f"| {one.offices} | {one.exchanges} | {one.seconds:.1f} | {one.per_second:.0f} | {one.median:.0f} "
            f"| {one.slowest_of_20:.0f} |"
        )
    return "\n".join([*rows, "", f"Ratio of exchanges a second: {many.per_second / few.per_second:.2f}."])


def _verdicts(found: Findings) -> list[str]:
    lines = []
    for name in ("good", "bad"):
        if name in found.transfers:
            ratio = _goodput(found, name, "box") / _goodput(found, name, "curl")
            lines.append(_least(f"Goodput over curl's, {name} line", ratio, LEAST_RATIO))
    if "good" in found.transfers:
        one = found.transfers["good"]["box"]
        lines.append(_most("TCP payload per byte of the file, good line", one.tcp / one.file, MOST_WIRE))
    if "dropping" in found.transfers:
        lines += _dropping(found)
    if found.drain:
        lines.append(_said(f"The most urgent of {found.drain.documents} is the first out", found.drain.urgent_first))
    return ["\n".join(lines)]


def _dropping(found: Findings) -> list[str]:
    box, curl = found.transfers["dropping"]["box"], found.transfers["dropping"]["curl"]
    lines = [
        _said("The document arrives over the dropping line", box.seconds is not None),
        _one_long_upload(box, curl),
        _most("Bytes of the body sent per byte it has, dropping line", box.body / box.coded, MOST_RESENT),
    ]
    if "bad" in found.transfers:
        shape = CASES["dropping"].shape
        allowed = _goodput(found, "bad", "curl") * shape.up_for / (shape.up_for + shape.down_for)
        what = "Goodput over what the up-time allows (curl's on the bad line, times the share of time that it is up)"
        lines.append(_least(what, box.goodput / allowed, LEAST_OF_UPTIME))
    return lines


def _one_long_upload(box: Transfer, curl: Transfer) -> str:
    """What a single upload comes to where the line drops: no promise, the reason for resuming."""
    if not curl.seconds or not box.seconds:
        return f"- One long upload does not arrive there (given {PATIENCE:.0f} s, or broken off by the bus's time-out)"
    return f"- One long upload there takes {curl.seconds / box.seconds:.2f} times as long as the box"


def _goodput(found: Findings, case: str, who: str) -> float:
    return found.transfers[case][who].goodput


def _least(what: str, value: float, bound: float) -> str:
    return _said(f"{what}: {value:.2f} (at least {bound})", value >= bound)


def _most(what: str, value: float, bound: float) -> str:
    return _said(f"{what}: {value:.3f} (at most {bound})", value <= bound)


def _said(what: str, held: bool) -> str:
    return f"- {what}: {'holds' if held else '**missed**'}"
