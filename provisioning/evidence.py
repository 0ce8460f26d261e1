"""``tram proof``, ``tram receipts``, ``tram statistics``: what happened to documents, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.errors import N_, BadInput, NotFound, in_words
from appliance.office import incoming, organs, outgoing, proof, statistics
from appliance.office.desk import Desk
from sync import receipts


def export(desk: Desk, document_id: str, target: Path) -> None:
    """Write one document's whole proof. Raises NotFound, WrongState, BadInput when the file cannot be written."""
    sent, came = outgoing.load(desk.db, document_id), incoming.load(desk.db, document_id)
    if sent is None and came is None:
        raise NotFound(
            N_("Không có văn bản nào mang mã %(id)s."),
            next_step=N_("Lấy mã ở cuối địa chỉ trang văn bản trên trình duyệt."),
            id=document_id,
        )
    made = proof.outgoing_proof(desk, sent) if sent else proof.incoming_proof(desk, came) if came else None
    assert made is not None
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w+b") as file:
            proof.write(made, file)
        part.replace(target)
    except OSError as error:
        raise BadInput(N_("Không ghi được tệp %(name)s: %(error)s."), name=target, error=in_words(error)) from error
    finally:
        part.unlink(missing_ok=True)
    print(f"{target}: {len(made.parts.members)} files")


def check_receipts(desk: Desk) -> int:
    """Print how every stored receipt stands; returns 1 when one does not hold."""
    result = receipts.check_all(desk)
    for message, why in result.bad:
        print(f"{message}: {why}")
    words = {"R1": "receipts of the bus", "R2": "words of recipients", "unsigned": "answers of a bus that signs none"}
    print("; ".join(f"{words[what]}: {count}" for what, count in sorted(result.counts.items())) or "no receipts")
    return 1 if result.bad else 0


def print_statistics(desk: Desk, text: str, *, as_json: bool) -> None:
    """The figures of each organ of the box. Raises BadInput for a period that is none."""
    span, now = statistics.period(text), desk.clock.now()
    found = {organ.name: statistics.figures(desk.db, organ.id, span, now) for organ in organs.own(desk.db)}
    if as_json:
        whole = {
            name: {
                side: {"total": statistics.total(facts)}
                | {what: statistics.by(facts, what) for what in ("month", "urgency", "type", "organ")}
                for side, facts in (("sent", one.sent), ("received", one.received))
            }
            for name, one in found.items()
        }
        print(
            json.dumps({"period": text, "computedAt": now.isoformat(), "organs": whole}, ensure_ascii=False, indent=2)
        )
        return
    for name, one in found.items():
        print(name)
        for side, words in ((one.sent, statistics.SENT), (one.received, statistics.RECEIVED)):
            counts = statistics.total(side)
            print("  " + "; ".join(f"{label}: {counts[key]}" for key, label in words.items()))
