"""``tram``: the technician's and the services' command line. Every service of the box is a subcommand of it."""

from __future__ import annotations

import argparse
import logging
import os
import select
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from appliance.errors import TramError
from provisioning import queue_arguments, verbs

TIME_ZONE = "Asia/Ho_Chi_Minh"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status (0 done, 1 refused with a sentence, 2 wrong usage).

    130 after Ctrl-C, 141 when whoever read the output has gone (``tram queue | head``), as a shell counts them.
    """
    _vietnamese_time()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("pyhanko").setLevel(logging.ERROR)  # a chain that leads nowhere is a verdict, no trace
    for chatty in ("httpx", "fontTools", "weasyprint", "apscheduler", "pikepdf"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # a line per request or glyph would bury what matters
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        status = int(options.run(options) or 0)
        sys.stdout.flush()
    except TramError as error:
        print(f"tram: {error}" + (f"\n      {error.advice}" if error.advice else ""), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        if not _nobody_reads():
            raise  # another pipe or socket: a fault of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left goes nowhere, silently
        return 141
    return status


def _nobody_reads() -> bool:
    """Whether standard output is a pipe whose other end is closed."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):
        return False  # not a file at all
    watch = select.poll()
    watch.register(output, 0)
    return any(events & select.POLLERR for _, events in watch.poll(0))


class _Parser(argparse.ArgumentParser):
    """Wrong usage ends with 2, but with 3 for ``tram verify``, where 2 is a verdict."""

    def error(self, message: str) -> NoReturn:
        """Say how it is used, and stop."""
        self.print_usage(sys.stderr)
        self.exit(verbs.WRONG_USE if self.prog.endswith(" verify") else 2, f"{self.prog}: error: {message}\n")


def _port(text: str) -> int:
    """A port that can be listened on. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65_535):
        raise argparse.ArgumentTypeError(f"not a port (1 to 65535): {text[:20]!r}")
    return int(text)


def _vietnamese_time() -> None:
    """Every process of the box lives at +07:00, libraries that ask for local time included."""
    os.environ["TZ"] = TIME_ZONE
    time.tzset()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tram", description="Trạm Văn Bản: a commune office's box for official documents")
    parser.set_defaults(parser=parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _service(commands, "web", "the pages, on the Unix socket behind the TLS front", verbs.web)
    _service(commands, "signer", "the only owner of the PKCS#11 module", verbs.signer)
    sync = _service(commands, "sync", "the link to the provincial bus", verbs.sync)
    sync.add_argument("--once", action="store_true", help="one round of sending and fetching, then stop")
    _service(commands, "migrate", "make the store or bring its schema up to date", verbs.migrate)
    _service(commands, "verify-journal", "check every link of the journal (nhật ký)", verbs.verify_journal)
    recheck = _service(commands, "recheck", "check stored files again with today's anchors and lists", verbs.recheck)
    recheck.add_argument("--all", action="store_true", help="every file at once, not a few at a time")
    _trust_actions(
        _service(commands, "trust", "whom the box trusts: list, add, import (USB stick), remove", verbs.trust)
    )
    proof = _service(commands, "proof", "one document's whole proof as a zip that a stranger can check", verbs.proof)
    proof.add_argument("id", help="the document's id, as at the end of its page's address")
    proof.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.zip", help="where to write it")
    queue_arguments.arguments(
        _service(commands, "queue", "messages on their way: list, show, send, hold, resend", verbs.queue)
    )
    _courier_actions(_service(commands, "courier", "packages on a USB stick when the line is dead", verbs.courier))
    opening = _service(
        commands, "open", "open encrypted content (.p7m) with the organ's device; asks for its PIN", verbs.open_file
    )
    opening.add_argument("file", type=Path, metavar="FILE.p7m")
    opening.add_argument("output", type=Path, metavar="OUTPUT", help="where to write the content; not overwritten")
    _service(commands, "receipts", "check every stored receipt again against its package", verbs.receipts)
    statistics = _service(
        commands, "statistics", "documents sent and received in figures (article 17)", verbs.statistics
    )
    span = statistics.add_mutually_exclusive_group(required=True)
    for name, form in (("month", "2026-11"), ("quarter", "2026-Q4"), ("year", "2026")):
        span.add_argument(f"--{name}", dest="period", metavar=form, help=f"the {name}, as {form}")
    statistics.add_argument("--json", action="store_true", help="everything, as JSON")
    verify = commands.add_parser(
        "verify", help="the verdict on the signatures of any PDF: 0 valid, 1 invalid, 2 unknown"
    )
    verify.add_argument("file", type=Path, nargs="?", help="the PDF; may also come last, after the anchors")
    for flag, text in (
        ("--trust", "trusted roots (PEM or DER)"),
        ("--cert", "further authorities, to complete chains"),
        ("--crl", "revocation lists"),
    ):
        verify.add_argument(flag, type=Path, nargs="+", action="extend", default=[], metavar="FILE", help=text)
    verify.add_argument("--at", type=datetime.fromisoformat, help="judge as of this time (ISO 8601); default: now")
    verify.add_argument("--json", action="store_true", help="everything, as JSON")
    verify.set_defaults(run=verbs.verify, parser=verify)
    _edxml_actions(commands.add_parser("edxml", help="what is in a package or status (edXML), and its files"))
    bus = commands.add_parser("bus", help="the reference bus, for demos, tests and conformance")
    bus.add_argument("--config", type=Path, help="the bus's TOML file; without it one is made in the data folder")
    bus.add_argument("--data", type=Path, default=Path("bus-data"), help="without --config: folder (default: bus-data)")
    bus.add_argument(
        "--port",
        type=_port,
        default=9444,
        help="without --config: port of the line; then page, TLS for accounts, API (default: %(default)s)",
    )
    bus.add_argument(
        "--vxp-http",
        type=_port,
        default=0,
        metavar="PORT",
        help="without --config: plain HTTP on 127.0.0.1 for the VXP dialect, for the national SDK itself",
    )
    bringing = bus.add_subparsers(metavar="ACTION", dest="action").add_parser(
        "import", help="take in packages that came on a USB stick, and write the answer to carry back"
    )
    bringing.add_argument("file", type=Path, metavar="FILE.tvb")
    bringing.add_argument("--out", type=Path, help="folder of the answer (default: beside the file)")
    bus.set_defaults(run=verbs.bus, action=None)
    for name, text, stay in (
        ("demo", "a whole office with its bus: plays a short real day, then stays up", True),
        ("day", "the same day; exit status 0 only if every step held", False),
    ):
        demo = commands.add_parser(name, help=text)
        demo.add_argument(
            "--data", type=Path, default=Path(f"{name}-data"), help=f"data folder, made anew (default: ./{name}-data)"
        )
        demo.add_argument(
            "--port",
            type=int,
            default=8443 if stay else 18443,
            help="HTTPS port of the box; the next four are the bus's and the trust services' (default: %(default)s)",
        )
        demo.set_defaults(run=verbs.demo, stay=stay)
    return parser


def _trust_actions(parser: argparse.ArgumentParser) -> None:
    """``list``, ``add FILE…``, ``import PATH``, ``remove FINGERPRINT``."""
    commands = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    commands.add_parser("list", help="everything trusted, and which revocation lists are still fresh")
    for name, text in (
        ("add", "take certificates and revocation lists from files (PEM, DER, ZIP)"),
        ("import", "the same from a folder, for instance a USB stick"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("paths", type=Path, nargs="+", metavar="PATH")
        command.add_argument(
            "--accept-root", action="append", default=[], metavar="FINGERPRINT",
            help="SHA-256 of a new root, compared with what its authority has published; may be repeated",
        )  # fmt: skip
    remove = commands.add_parser("remove", help="trust it no longer")
    remove.add_argument("fingerprint", help="SHA-256, as `tram trust list` shows it")


def _courier_actions(parser: argparse.ArgumentParser) -> None:
    """``export --to CODE --out DIR [ID …]``, ``import FILE [--out DIR]``."""
    commands = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    export = commands.add_parser("export", help="queued packages into one sealed file, with the minutes to print")
    export.add_argument("--to", required=True, metavar="CODE", help="the receiver's organ code; 'truc' for the bus")
    export.add_argument("ids", nargs="*", metavar="ID", help="message ids (default: every one that fits)")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="the stick's folder")
    bring = commands.add_parser("import", help="take in a file that was brought")
    bring.add_argument("file", type=Path, metavar="FILE.tvb")
    bring.add_argument("--out", type=Path, metavar="DIR", help="folder of the answer (default: beside the file)")


def _edxml_actions(parser: argparse.ArgumentParser) -> None:
    """``show FILE``, ``extract FILE DIR``."""
    commands = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    show = commands.add_parser("show", help="what it says, with warnings")
    show.add_argument("file", type=Path, help="the package or status")
    show.add_argument("--json", action="store_true", help="the whole model, as JSON")
    extract = commands.add_parser("extract", help="write its files into a folder, under safe names")
    extract.add_argument("file", type=Path, help="the package")
    extract.add_argument("folder", type=Path, help="where to; made when it is not there, nothing overwritten")
    parser.set_defaults(run=verbs.edxml)


def _service(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    text: str,
    run: object,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text)
    parser.add_argument("--config", type=Path, required=True, help="the box's TOML file")
    parser.set_defaults(run=run)
    return parser
