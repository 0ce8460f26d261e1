"""What each subcommand of ``tram`` does. Imports stand inside: the signer starts fast and loads no PDF or network."""

from __future__ import annotations

import argparse
import contextlib
import functools
import sys
import threading
from pathlib import Path

from appliance.config import Settings, load_settings
from appliance.errors import TramError

WRONG_USE = 3
"""Exit status of ``tram verify`` when there is nothing to judge: no such file, unreadable anchors, wrong arguments."""


def _settings(options: argparse.Namespace) -> Settings:
    return load_settings(options.config)


def web(options: argparse.Namespace) -> None:
    """The pages."""
    from appliance.signing.fonts import warm_up
    from provisioning.box import make_desk
    from web.serve import main as serve

    settings = _settings(options)
    # Cutting the font down takes a second, once per process: not while the first clerk of the day waits.
    threading.Thread(target=warm_up, name="fonts", daemon=True).start()
    serve(settings, functools.partial(make_desk, settings))


def signer(options: argparse.Namespace) -> None:
    """The only owner of the PKCS#11 module."""
    from appliance.signing.service import main as serve

    serve(_settings(options))


def sync(options: argparse.Namespace) -> None:
    """The link, or one pass of it with ``--once``."""
    from provisioning.box import make_desk
    from sync.bus.factory import make_client
    from sync.worker import main as work
    from sync.worker import run_once

    settings = _settings(options)
    if not options.once:
        work(settings, functools.partial(make_desk, settings))
        return
    with contextlib.closing(make_client(settings)) as client:
        done = run_once(make_desk(settings), client)
    print(", ".join(f"{state}: {count}" for state, count in sorted(done.items())) or "nothing to do")


def edxml(options: argparse.Namespace) -> int:
    """Show or extract a package; returns 1 with one line that says why."""
    from provisioning.edxml import extract, show

    try:
        if options.action == "show":
            show(options.file, as_json=options.json)
        else:
            extract(options.file, options.folder)
    except TramError as error:
        print(f"tram: {error}", file=sys.stderr)  # one line: scripts and people read why
        return 1
    return 0


def bus(options: argparse.Namespace) -> None:
    """The reference bus, or what came to it on a USB stick."""
    from sync.reference_bus.main import main as serve

    if options.action == "import":
        from provisioning.bus import embedded
        from provisioning.courier import bring_to_bus
        from sync.reference_bus.config import load_config

        known = load_config(options.config) if options.config else None
        bring_to_bus(known or embedded(options.data, options.port, 0), options.file, options.out)
        return
    if options.config:
        serve(options.config)
        return
    from provisioning.bus import embedded

    config = embedded(options.data, options.port, options.vxp_http)
    for name, place in (("configuration", "bus.toml"), ("certificates", "pki/"), ("accounts", "accounts.toml")):
        print(f"{name}: {config.data / place}", flush=True)
    serve(config)


def migrate(options: argparse.Namespace) -> None:
    """Make the store, or bring its schema up to date."""
    from provisioning.box import make_desk

    make_desk(_settings(options), create=True).db.close()


def verify_journal(options: argparse.Namespace) -> None:
    """Check every link of the journal (nhật ký)."""
    from appliance.store import audit
    from appliance.store.database import open_database

    print(f"journal: {audit.verify(open_database(_settings(options).database))} entries, every link holds")


def recheck(options: argparse.Namespace) -> None:
    """Judge stored files again with today's anchors and lists."""
    from appliance.office import rechecks
    from provisioning.box import make_desk

    others = 1 << 30 if options.all else rechecks.OTHERS_PER_RUN
    done = rechecks.keep_current(make_desk(_settings(options)), others=others)
    print(", ".join(f"{what}: {count}" for what, count in sorted(done.items())) or "nothing to do")


def proof(options: argparse.Namespace) -> None:
    """Write one document's whole proof."""
    from provisioning.box import make_desk
    from provisioning.evidence import export

    export(make_desk(_settings(options)), options.id, options.output)


def queue(options: argparse.Namespace) -> int:
    """Messages on their way; returns the exit status."""
    from provisioning.box import make_desk
    from provisioning.queue import run

    return run(make_desk(_settings(options)), options)


def courier(options: argparse.Namespace) -> None:
    """Packages on a USB stick."""
    from provisioning.box import make_desk
    from provisioning.courier import run

    run(make_desk(_settings(options)), options)


def open_file(options: argparse.Namespace) -> None:
    """Open an encrypted file with a device; the PIN is asked for."""
    from getpass import getpass

    from appliance.signing.client import SignerClient
    from provisioning.opening import open_with_device

    client = SignerClient(_settings(options).signer_socket)
    open_with_device(client, options.file, options.output, lambda: getpass("PIN: "))


def receipts(options: argparse.Namespace) -> int:
    """Check every stored receipt again; returns 1 when one does not hold."""
    from provisioning.box import make_desk
    from provisioning.evidence import check_receipts

    return check_receipts(make_desk(_settings(options)))


def statistics(options: argparse.Namespace) -> None:
    """Print article 17's figures."""
    from provisioning.box import make_desk
    from provisioning.evidence import print_statistics

    print_statistics(make_desk(_settings(options)), options.period, as_json=options.json)


def trust(options: argparse.Namespace) -> int:
    """Whom the box trusts; returns the exit status."""
    from provisioning.box import make_desk
    from provisioning.trust import run

    return run(make_desk(_settings(options)), options)


def verify(options: argparse.Namespace) -> int:
    """Judge the signatures of a PDF; returns 0 valid, 1 invalid, 2 unknown, 3 nothing to judge."""
    from appliance.clock import VN
    from provisioning.verify import given_trust, verify

    at = options.at.replace(tzinfo=options.at.tzinfo or VN) if options.at else None
    if options.file is None:
        options.file = _pdf_among(options)
    try:
        trust = given_trust(options.trust, options.cert, options.crl)
        return verify(options.file, trust, at=at, as_json=options.json)
    except TramError as error:
        print(f"tram: {error}", file=sys.stderr)
        return WRONG_USE


def _pdf_among(options: argparse.Namespace) -> Path:
    """The PDF that was named after a list of anchors (``--trust a.pem b.pem file.pdf``), taken out of that list."""
    lists: list[list[Path]] = [options.trust, options.cert, options.crl]
    found = next((given for given in lists if given and _like_pdf(given[-1])), None)
    if found is None:
        parser: argparse.ArgumentParser = options.parser
        parser.error("name the PDF to judge")
    return found.pop()


def _like_pdf(path: Path) -> bool:
    if path.suffix.lower() == ".pdf":
        return True
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return b"%PDF-" in stream.read(1024)


def demo(options: argparse.Namespace) -> int:
    """The demo's day; returns 0 only if every step held."""
    from provisioning.demo.run import run

    return run(options.data.resolve(), options.port, stay=options.stay)
