"""``tram trust``: whom the box trusts, from the command line and from a USB stick."""

from __future__ import annotations

import argparse

from appliance.office import anchors
from appliance.office.desk import SYSTEM, Desk


def run(desk: Desk, options: argparse.Namespace) -> int:
    """Do what was asked; returns 1 when something was brought and nothing of it could be taken, else 0."""
    if options.action == "list":
        return _list(desk)
    if options.action == "remove":
        print(f"- {anchors.remove(desk, SYSTEM, options.fingerprint).name}")
        return 0
    outcomes = []
    for path in options.paths:
        found, trouble = anchors.read_path(path)
        print("".join(f"! {sentence}\n" for sentence in trouble), end="")
        outcomes += anchors.bring(desk, SYSTEM, found, accept_roots=options.accept_root)
    for one in outcomes:
        mark, kind = ("+" if one.accepted else "!"), anchors.KINDS[one.entry.kind]
        print(f"{mark} {kind}: {one.entry.name}: {one.words}\n  SHA-256 {one.entry.fingerprint}")
    return 0 if any(one.accepted for one in outcomes) else 1


def _list(desk: Desk) -> int:
    now = desk.clock.now()
    found, unreadable = anchors.entries(desk)
    for one in found:
        until = f"{one.until:%d/%m/%Y %H:%M}" if one.until else "?"
        state = "" if one.current(now) else " (QUÁ HẠN)"
        print(f"{anchors.KINDS[one.kind]}: {one.name}, {one.since:%d/%m/%Y %H:%M} – {until}{state}")
        print(f"  SHA-256 {one.fingerprint}")
    for name in unreadable:
        print(f"! {name}")
    return 0
