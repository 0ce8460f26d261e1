"""``tram demo``: a whole office with its bus on one machine, playing a short real day through its own pages."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from appliance.errors import TramError
from appliance.office.desk import Desk
from appliance.signing.client import SignerClient
from appliance.signing.trust import TrustStore
from appliance.signing.validate import validate
from appliance.store import audit
from provisioning.box import make_desk
from provisioning.demo import letters
from provisioning.demo.cast import PEOPLE, UBND
from provisioning.demo.day import Day, Step
from provisioning.demo.eyes import Eyes
from provisioning.demo.office import keep_bus_certificate
from provisioning.demo.person import Person
from provisioning.demo.world import World, build, clear, programs, province_signer
from provisioning.supervisor import Supervisor
from provisioning.verify import VERDICTS

SUMMARY = "summary.json"
ISSUED, SENT = "issued.pdf", "sent.pdf"


def run(data: Path, port: int, *, stay: bool) -> int:
    """Make the world, start it, play the day, print and write what happened; exit status 0 only if every step held."""
    status = 1
    clear(data)
    with Supervisor(data / "log") as supervisor:
        world, draft, letter, desk = start(data, port, supervisor)
        day = play(world, desk, draft, letter)
        held = day.held and _check_issued(world, desk)
        _summarise(world, desk, day, held)
        _tell(world, held)
        status = 0 if held else 1
        if stay:
            print("\nNhấn Ctrl-C để dừng.", flush=True)
            supervisor.wait()
    return status


def start(data: Path, port: int, supervisor: Supervisor) -> tuple[World, bytes, bytes, Desk]:
    """A new world with every process running: (world, draft PDF, the province's signed letter, a desk to look at).

    Raises TramError naming the process that does not answer.
    """
    world = build(data, port)
    supervisor.start(province_signer(world))
    letter = letters.province_letter(
        signer=SignerClient(world.province.signer_socket),
        trust=TrustStore(world.province.trust),
        keys=world.province_keys,
        pin=world.pins["province"],
    )
    supervisor.stop("province")
    (data / "bus" / "letter.pdf").write_bytes(letter)
    supervisor.start(*programs(world))
    desk = make_desk(world.settings)
    keep_bus_certificate(desk, (data / "pki" / "link" / "receipts.pem").read_bytes())
    return world, letters.draft_decision(), letter, desk


def play(world: World, desk: Desk, draft: bytes, letter: bytes) -> Day:
    """The day, played."""
    people = {}
    for person in PEOPLE:
        people[person.username] = Person(world.base, world.lan_ca)
        people[person.username].log_in(person.username, world.passwords[person.username])
    day = Day(people, Eyes(desk), world.operator, world.pins, draft, letter, _say)
    day.play()
    return day


def _say(step: Step) -> None:
    mark = "✓" if step.held else "✗"
    detail = f"  ({step.detail})" if step.detail else ""
    print(f"{mark} {step.at[11:19]}  {step.seconds:7.2f}s  {step.who}: {step.what}{detail}", flush=True)


def _check_issued(world: World, desk: Desk) -> bool:
    """The issued file, as it was sealed and as it went out, and the journal, looked at once more after the day."""
    eyes = Eyes(desk)
    if not eyes.issued():
        return False
    for name, sha256 in ((ISSUED, eyes.issued()), (SENT, eyes.sent())):
        shutil.copyfile(desk.blobs.path(sha256), world.data / name)
        (world.data / name).chmod(0o644)
    try:
        report = validate((world.data / SENT).read_bytes(), desk.trust)
        entries = audit.verify(desk.db)
    except TramError as error:
        print(f"✗ {error}")
        return False
    signatures = [entry for entry in report.signatures if entry.kind == "signature"]
    words, levels = VERDICTS.get(report.verdict, report.verdict), " và ".join(entry.level for entry in signatures)
    print(f"{'✓' if report.verdict == 'valid' else '✗'} Hai chữ ký trên văn bản phát hành: {words}  ({levels})")
    print(f"✓ Nhật ký: {entries} mục, nguyên vẹn")
    return report.verdict == "valid" and len(signatures) == 2


def _summarise(world: World, desk: Desk, day: Day, held: bool) -> None:
    """summary.json: what a script (or a curious person) needs to go on from here."""
    summary: dict[str, Any] = {
        "held": held,
        "timeline": day.as_dicts(),
        "addresses": {"box": world.base, "bus": world.operator},
        "accounts": {
            person.username: {
                "name": person.full_name,
                "password": world.passwords[person.username],
                "pin": world.pins.get(person.username),
            }
            for person in PEOPLE
        },
        "seal_pin": world.pins[UBND.id],
        "lan_ca": str(world.lan_ca),
        "issued_pdf": str(world.data / ISSUED),
        "sent_pdf": str(world.data / SENT),
        "signing_root": str(world.signing_root),
        "trust": str(world.settings.trust),
        "bus_copy": _bus_copy(world, desk),
        "pages": {"outgoing": world.base + day.outgoing_path, "incoming": world.base + day.incoming_path},
    }
    target = world.data / SUMMARY
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", "utf-8")
    temporary.chmod(0o600)
    os.replace(temporary, target)


def _bus_copy(world: World, desk: Desk) -> str:
    """Where the bus keeps the package of the issued document; '' when it has none."""
    row = desk.db.execute("SELECT sha256 FROM message WHERE kind = 'edoc' AND state = 'accepted' LIMIT 1").fetchone()
    found = list((world.data / "bus").rglob(row[0])) if row else []
    return str(found[0]) if found else ""


def _tell(world: World, held: bool) -> None:
    """Addresses and accounts on the terminal."""
    print()
    print("Cả ngày làm việc: " + ("mọi bước đều đạt." if held else "CÓ BƯỚC KHÔNG ĐẠT, xem dòng có dấu ✗."))
    print(f"Trạm:           {world.base}   (chứng thư của trạm do {world.lan_ca} cấp)")
    print(f"Trục, đóng vai: {world.operator}")
    for person in PEOPLE:
        pin = world.pins.get(person.username)
        extra = f"   PIN {pin}" if pin else ""
        print(f"  {person.username:12} mật khẩu {world.passwords[person.username]}   {person.full_name}{extra}")
    print(f"  PIN con dấu {UBND.name}: {world.pins[UBND.id]}")
    print(f"Ghi đủ ở {world.data / SUMMARY}", flush=True)
