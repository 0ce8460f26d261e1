"""The long fault campaign: ``python -m tests.campaign [KILLS]`` writes its figures to docs/campaign.md.

The short form runs in CI (tests/faults/test_sync_killed.py): ten SIGKILLs around one document.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from appliance.clock import VN
from appliance.store import audit
from provisioning.demo.eyes import Eyes
from provisioning.demo.run import start
from provisioning.supervisor import Supervisor
from tests.live_fixtures import Live, free_ports

KILLS_PER_DOCUMENT = 10
REPORT = Path(__file__).parents[1] / "docs" / "campaign.md"


def main(kills: int) -> None:
    """Kill the link process ``kills`` times while documents leave; count what the bus and the box hold after."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    began, caught = time.monotonic(), Counter[str]()
    documents = max(1, kills // KILLS_PER_DOCUMENT)
    with tempfile.TemporaryDirectory(prefix="tram-") as short, Supervisor(Path(short) / "log", print) as programs:
        world, draft, letter, desk = start(Path(short) / "d", free_ports(5), programs)
        live = Live(world, programs, draft, letter, Eyes(desk))
        live.wait_for(lambda: bool(live.eyes.clock_trusted()))
        for number in range(documents):
            live.line(down=True)
            live.issue_document(f"Đợt thử {number + 1}, hạt giống {seed}")
            live.line(down=False, latency_ms=chance.randint(0, 80), bytes_per_second=chance.choice((20_000, 60_000, 0)))
            for _ in range(KILLS_PER_DOCUMENT):
                live.programs.restart("sync")
                time.sleep(chance.uniform(0.3, 3.5))
                live.programs.kill("sync")
                caught[live.eyes.newest_message_state()] += 1
            live.line(latency_ms=0, bytes_per_second=0)
            live.programs.restart("sync")
            live.wait_for(lambda: live.eyes.count("message", "state <> 'accepted'") == "0", 120)
        at_bus = Counter(m["document_id"] for m in live.at_bus())
        receipts = live.eyes.count("message", "kind = 'edoc' AND receipt_sha256 IS NOT NULL")
        figures = {
            "documents issued": documents,
            "SIGKILLs of the link process": documents * KILLS_PER_DOCUMENT,
            "state found after a kill": ", ".join(f"{state} {count}" for state, count in sorted(caught.items())),
            "documents at the bus": len(at_bus),
            "documents at the bus more than once": sum(count > 1 for count in at_bus.values()),
            "documents with a receipt at the box": receipts,
            "journal entries, every link intact": audit.verify(desk.db),
            "seed": seed,
            "minutes": round((time.monotonic() - began) / 60, 1),
        }
        held = len(at_bus) == documents == int(receipts) and max(at_bus.values()) == 1
    _report(figures, held)
    if not held:
        raise SystemExit("the campaign found a loss or a double; see docs/campaign.md")


def _report(figures: dict[str, object], held: bool) -> None:
    rows = "\n".join(f"| {name} | {value} |" for name, value in figures.items())
    REPORT.write_text(
        "# Fault campaign\n\nWritten by `make campaign` on "
        f"{datetime.now(VN):%Y-%m-%d}. The link process (`tram sync`) is killed with SIGKILL at random moments while "
        "documents leave over a slow line; afterwards the bus must hold each document exactly once and the box its "
        f"receipt.\n\n| figure | value |\n|---|---|\n{rows}\n\n"
        + ("Nothing was lost, nothing doubled.\n" if held else "**A loss or a double was found.**\n"),
        "utf-8",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
