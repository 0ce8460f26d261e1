"""The words of ``tram queue``; apart from its work, so that no other command loads the office for them."""

from __future__ import annotations

import argparse

LANES = ("open", "late", "uncertain", "held", "rejected", "accepted")
"""As ``appliance.office.messages.LANES`` names them."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """``list``, ``show``, ``send``, ``hold``, ``release``, ``resend``, ``resume``."""
    parser.add_argument("--as", dest="account", metavar="USERNAME", help="the technician who acts (default: 'console')")
    commands = parser.add_subparsers(metavar="ACTION", dest="action")
    listing = commands.add_parser("list", help="every message, most pressing first (the default)")
    listing.add_argument("--lane", choices=LANES, default="", help="only these")
    listing.add_argument("--limit", type=int, default=50, help="how many lines (default: %(default)s)")
    for name, text in (
        ("show", "one message: receivers, attempts, what is next"),
        ("send", "due at once; one in doubt is asked about first"),
        ("release", "a held one goes on; 'all' releases everything held"),
    ):
        commands.add_parser(name, help=text).add_argument("id")
    hold = commands.add_parser("hold", help="put aside until somebody releases it")
    resend = commands.add_parser("resend", help="a rejected or held one goes on as another, put right")
    for command in (hold, resend):
        command.add_argument("id")
        command.add_argument("--reason", required=True, help="why, for the journal")
    resend.add_argument("--to", nargs="+", default=[], metavar="CODE", help="the receivers' codes")
    resend.add_argument("--urgency", type=int, choices=range(5))
    resend.add_argument("--subject", default="", help="the subject on the package")
    commands.add_parser("resume", help="the link that the bus refused has been put right: go on")
