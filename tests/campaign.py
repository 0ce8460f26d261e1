"""The long fault campaigns: ``make campaign ARGS=300``, ``make campaign ARGS='150 --postgresql'``.

Box and bus are killed with SIGKILL at random moments while documents go both ways (``tests.kills``); with a bus on
PostgreSQL the database server crashes as well. Figures go to docs/campaign.md and docs/campaign-postgresql.md.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from appliance.clock import VN
from tests import kills
from tests.postgres_fixtures import serving

DOCS = Path(__file__).parents[1] / "docs"


def main(count: int, *, postgresql: bool) -> None:
    """Kill ``count`` times and write the report; exits 1 when anything was lost or doubled."""
    with ExitStack() as stack:
        short = stack.enter_context(tempfile.TemporaryDirectory(prefix="tram-"))
        database = stack.enter_context(serving()) if postgresql else None
        result = kills.run(Path(short), count, random.randrange(2**32), database)
    report = DOCS / ("campaign-postgresql.md" if postgresql else "campaign.md")
    report.write_text(_report(result, postgresql=postgresql), "utf-8")
    if result.problems:
        raise SystemExit(f"the campaign found a loss or a double; see docs/{report.name}")


def _report(result: kills.Result, *, postgresql: bool) -> str:
    figures = {
        "SIGKILLs": sum(result.kills.values()),
        "of whom (box: link process and writer at once; database: SIGQUIT, which ends it as a crash does)"
        if postgresql
        else "of whom (box: link process and writer at once)": _listed(result.kills),
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
    title = "# Fault campaign, the bus on PostgreSQL" if postgresql else "# Fault campaign"
    return (
        f"{title}\n\nWritten by `make campaign` on {datetime.now(VN):%Y-%m-%d}. Box and bus are killed with "
        "SIGKILL at random moments, over a line that is slow or loses answers, while the box sends documents, another "
        "office sends documents to it, and statuses go back. Everybody is then left alone until all has arrived; every "
        "id that the box had said to be queued, every receipt that the bus had given, is looked up on the other side."
        f"\n\n| figure | value |\n|---|---|\n{rows}\n\n{verdict}\n"
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill box and bus at random moments; nothing may be lost or doubled.")
    parser.add_argument("count", type=int, nargs="?", default=300, help="how often (default: %(default)s)")
    parser.add_argument("--postgresql", action="store_true", help="the bus on PostgreSQL, which crashes as well")
    options = parser.parse_args()
    main(options.count, postgresql=options.postgresql)
