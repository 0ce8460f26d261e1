"""What a stick brings, behind a seal that anybody can put on it: refused in words or taken whole, nothing between."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clock import VN
from appliance.envelope import SoftwareKey, seal
from appliance.errors import BadInput
from sync import jws
from sync.courier import identity
from sync.courier.container import TYPE, Carried, Manifest, Opened, opened
from tests.bus_fixtures import Authority

ME, SENDER, ID = "H99.22", "H99.01", "018f2c5e-0000-7000-8000-000000000001"
PACKAGE, RECEIPT = b"<edXML/>" * 40, b"eyJ.receipt.x"
SLOW = settings(max_examples=300, deadline=None)


class Stick:
    """A container from SENDER to ME whose inside can be anything; ``me`` is a link of the province."""

    def __init__(self, folder: Path) -> None:
        self.folder, authority = folder, Authority(folder / "pki")
        self.trusted = x509.load_pem_x509_certificates(authority.certificate.read_bytes())
        self.me = identity.own(*authority.client(SENDER))
        self.opener = SoftwareKey(self.me.chain[0], self.me.key)  # the reader's key is of no interest here

    def inside(self, text: bytes) -> bytes:
        """The clear zip around a manifest, which is signed."""
        said = {"typ": TYPE, "id": ID, "sha256": hashlib.sha256(text).hexdigest(), "at": datetime.now(VN).isoformat()}
        clear = io.BytesIO()
        with zipfile.ZipFile(clear, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", text)
            archive.writestr("manifest.jws", jws.sign(said, self.me.key, self.me.chain, TYPE))
            archive.writestr(f"packages/{ID}", PACKAGE)
            archive.writestr("receipts/0", RECEIPT)
        return clear.getvalue()

    def read(self, clear: bytes, look: Callable[[Opened], None]) -> None:
        """Seal ``clear`` and open it as the receiving box does. Raises BadInput."""
        path = self.folder / "stick.tvb"
        with path.open("wb") as file:
            seal(io.BytesIO(clear), len(clear), [self.me.chain[0]], file)
        with opened(path, self.opener, self.trusted, {ME}, lambda code: [code], self.folder) as found:
            look(found)


def manifest() -> Manifest:
    """The honest one."""
    carried = Carried(ID, "edoc", 0, SENDER, (ME,), hashlib.sha256(PACKAGE).hexdigest(), len(PACKAGE))
    return Manifest(ID, ME, "2026-11-23T08:00:00+07:00", (carried,), (hashlib.sha256(RECEIPT).hexdigest(),))


def plain() -> dict[str, Any]:
    """The same as its JSON, to be changed."""
    said: dict[str, Any] = json.loads(json.dumps(asdict(manifest())))
    return said


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Stick:
    return Stick(tmp_path_factory.mktemp("stick"))


def _whole(found: Opened) -> None:
    """What a container that was taken must be, whoever made it."""
    assert found.manifest.to == ME
    (one,) = found.manifest.packages
    assert (one.sender, one.size) == (SENDER, len(PACKAGE))
    with closing(found.package(one)) as file:
        assert file.read() == PACKAGE
    assert found.receipts == (RECEIPT,)


def test_the_honest_one_is_read(stick: Stick) -> None:
    seen: list[Opened] = []
    stick.read(stick.inside(json.dumps(plain()).encode()), seen.append)
    assert seen[0].manifest == manifest()


kinds = st.sampled_from(["flip", "cut", "put", "double"])
edits = st.lists(st.tuples(kinds, st.floats(0, 1, exclude_max=True), st.binary(max_size=8)), min_size=1, max_size=4)


@SLOW
@given(edits=edits)
def test_a_changed_inside_is_refused_in_words_or_is_whole(stick: Stick, edits: list[tuple[str, float, bytes]]) -> None:
    data = bytearray(stick.inside(json.dumps(plain()).encode()))
    for kind, where, more in edits:
        at = int(where * len(data))
        if kind == "flip" and data:
            data[at] ^= (more or b"\x01")[0] or 1
        elif kind == "cut":
            del data[at : at + 1 + 16 * len(more)]
        elif kind == "put":
            data[at:at] = more
        else:
            data[at:at] = data[at : at + 200]
    with suppress(BadInput):
        stick.read(bytes(data), _whole)


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from([ID, ME, SENDER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
places = st.sampled_from(
    ["id", "to", "made_at", "receipts", "packages", "packages/id", "packages/kind", "packages/priority",
     "packages/sender", "packages/recipients", "packages/sha256", "packages/size"]
)  # fmt: skip


@SLOW
@given(place=places, value=odd, left_out=st.booleans())
def test_a_manifest_that_says_odd_things_under_a_good_signature_is_refused_in_words(
    stick: Stick, place: str, value: object, left_out: bool
) -> None:
    said = plain()
    inner, _, key = place.rpartition("/")
    target = said[inner][0] if inner else said
    if left_out:
        del target[key]
    else:
        target[key] = value
    with suppress(BadInput):
        stick.read(stick.inside(json.dumps(said).encode()), _whole)


@SLOW
@given(text=st.binary(max_size=60) | odd.map(lambda value: json.dumps(value).encode()))
def test_a_manifest_that_is_none_is_refused_in_words(stick: Stick, text: bytes) -> None:
    with pytest.raises(BadInput):
        stick.read(stick.inside(text), _whole)


@pytest.mark.parametrize("depth", [100_000])
def test_a_manifest_nested_without_end_is_refused_in_words(stick: Stick, depth: int) -> None:
    with pytest.raises(BadInput):
        stick.read(stick.inside(b"[" * depth), _whole)
