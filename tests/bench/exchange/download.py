"""One document on its way down a shaped line, fetched by the box's link process and by curl."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.office.desk import Party
from appliance.store.blobs import BlobStore
from tests.bench.exchange import shaped
from tests.bench.exchange.goodput import BAD, DROPPING, PATIENCE, Case, both_ends, curl_put, identity, incompressible
from tests.edxml_fixtures import document, file_in, package_bytes
from tests.link_scene import BOX, PROVINCE, Box

SIZE = 2_000_000
CASES = {"bad-down": replace(BAD, size=SIZE), "dropping-down": replace(DROPPING, size=SIZE)}


@dataclass(frozen=True)
class Fetched:
    """``seconds`` None: not ended in PATIENCE, or broken off. ``tcp``: payload of all TCP segments that came down."""

    who: str
    seconds: float | None
    file: int
    tcp: int


def measure(case: Case) -> dict[str, Fetched]:
    """Both, one after the other, over fresh lines of the same shape and seed."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short, both_ends(Path(short)) as (pair, box):
        doc_id = _hand_in(case, pair, box)
        return {"curl": _by_curl(case, pair, box, doc_id), "box": _by_box(case, pair, box)}


def _by_box(case: Case, pair: shaped.Pair, box: Box) -> Fetched:
    """From the start of the link process until the document stands in the store."""
    with shaped.line(pair, case.shape, box.folder) as meter:
        began = time.monotonic()
        box.start()
        try:
            arrived = box.wait("SELECT 1 FROM incoming", PATIENCE)
        finally:
            seconds = time.monotonic() - began
            box.stop()
    return Fetched("box", seconds if arrived else None, case.size, meter.counts["back"]["payload"])


def _by_curl(case: Case, pair: shaped.Pair, box: Box, doc_id: str) -> Fetched:
    """curl GETs the same content, coded the same way, in one go."""
    command = [
        "curl", "--silent", "--show-error", "--fail", "--http1.1", "--max-time", str(int(PATIENCE)),
        "--header", "Accept-Encoding: gzip", *identity(box, BOX), "--output", os.devnull,
        "--write-out", '{"time_total": %{time_total}}\n', f"{box.bus.url}/inbox/{doc_id}/content",
    ]  # fmt: skip
    with shaped.line(pair, case.shape, box.folder) as meter:
        done = subprocess.run(pair.at_box(*command), capture_output=True, text=True)
    if done.returncode and not case.shape.up_for:  # only a line with outages may end a download
        raise RuntimeError(f"curl: {done.returncode} {done.stderr}")
    seconds = None if done.returncode else float(json.loads(done.stdout.splitlines()[-1])["time_total"])
    return Fetched("curl", seconds, case.size, meter.counts["back"]["payload"])


def _hand_in(case: Case, pair: shaped.Pair, box: Box) -> str:
    """Another organ's package put into the box's inbox, beside the bus; its id there."""
    blobs = BlobStore(box.folder / "elsewhere")  # the box must not have its bytes already
    package = package_bytes(
        document(
            sender=Party(PROVINCE, "Văn phòng UBND tỉnh"), recipients=(Party(BOX, "UBND xã Hòa Bình"),),
            files=(file_in(blobs, incompressible(case.size)),),
        ), blobs,
    )  # fmt: skip
    path = box.folder / "letter.edxml"
    path.write_bytes(package)
    here = ["--connect-to", f"::127.0.0.1:{box.bus.port}"]
    put = curl_put(box, path, package, sender=PROVINCE, to=BOX)
    subprocess.run(pair.at_bus(*put, *here), check=True, capture_output=True)
    listing = ["curl", "--silent", "--fail", *here, *identity(box, BOX), f"{box.bus.url}/inbox"]
    found = json.loads(subprocess.run(pair.at_bus(*listing), check=True, capture_output=True).stdout)
    (item,) = found["items"]
    return str(item["docId"])
