"""The long fault campaign: ``make campaign ARGS=300``; figures go to docs/campaign.md.

Box and bus are killed with SIGKILL at random moments while documents go both ways (``tests.kills``).
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path

from appliance.clock import VN
from tests import kills

REPORT = Path(__file__).parents[1] / "docs" / "campaign.md"


def main(count: int) -> None:
    """Kill ``count`` times and write the report; exits 1 when anything was lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="tram-") as short:
        result = kills.run(Path(short), count, random.randrange(2**32))
    REPORT.write_text(_report(result), "utf-8")
    if result.problems:
        raise SystemExit("the campaign found a loss or a double; see docs/campaign.md")


def _report(result: kills.Result) -> str:
    figures = {
        "SIGKILLs": sum(result.kills.values()),
        "of whom (box: link process and writer at once)": _listed(result.kills),
        "the box's queue at its kills": _listed(result.caught),
        "documents sent by the box": f"{result.sent} documents, each at the bus once, with receipt",
        "documents sent to the box": f"{result.received}, each taken in once and told to its sender once",
        "tries of the box's packages": result.attempts,
        "journal entries, every link intact": result.journal,
        "seed": result.seed,
        "minutes": round(result.minutes, 1),
    }
    rows = "\n".join(f"| {name} | {value} |" for name, value in figures.items())
    verdict = (
        "Nothing was lost, nothing doubled."
        if not result.problems
        else "**Found:**\n\n- " + "\n- ".join(result.problems)
    )
    return (
        f"# Fault campaign\n\nWritten by `make campaign` on {datetime.now(VN):%Y-%m-%d}. Box and bus are killed with "
        "SIGKILL at random moments, over a line that is slow or loses answers, while the box sends documents, another "
        "office sends documents to it, and statuses go back. Everybody is then left alone until all has arrived; every "
        "id that the box had said to be queued, every receipt that the bus had given, is looked up on the other side."
        f"\n\n| figure | value |\n|---|---|\n{rows}\n\n{verdict}\n"
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
