"""What a stick brings, behind a seal that anybody can put on it: refused in words or taken whole, nothing between."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.envelope import SoftwareKey, seal
from appliance.errors import BadInput
from sync import jws
from sync.courier.container import TYPE, Carried, Identity, Manifest, Opened, opened, write

ME, SENDER, ID = "H99.22", "H99.01", "018f2c5e-0000-7000-8000-000000000001"
PACKAGE, RECEIPT = b"<edXML/>" * 40, b"eyJ.receipt.x"
SLOW = settings(max_examples=300, deadline=None)


class Stick:
    """A container from SENDER to ME whose inside can be anything; ``identity`` is a link of the province."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority_key = rsa.generate_private_key(65537, 2048)
        self.authority = _certificate("CA", authority_key, authority_key, "CA")
        key = rsa.generate_private_key(65537, 2048)
        self.certificate = _certificate("link", key, authority_key, "CA", f"urn:x-edoc:organ:{SENDER}")
        self.identity = Identity(key, [self.certificate])
        self.opener = SoftwareKey(self.certificate, key)  # the reader's key is of no interest here
        good = io.BytesIO()
        (folder / "package").write_bytes(PACKAGE)
        (folder / "receipt").write_bytes(RECEIPT)
        write(good, self.identity, self.certificate, manifest(), lambda _: folder / "package", [RECEIPT], folder)
        self.good = good.getvalue()

    def inside(self, text: bytes) -> bytes:
        """The clear zip around a manifest, which is signed."""
        said = {"typ": TYPE, "id": ID, "sha256": hashlib.sha256(text).hexdigest(), "at": "2026-11-23T08:00:00+07:00"}
        clear = io.BytesIO()
        with zipfile.ZipFile(clear, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", text)
            archive.writestr("manifest.jws", jws.sign(said, self.identity.key, self.identity.chain, TYPE))
            archive.writestr(f"packages/{ID}", PACKAGE)
            archive.writestr("receipts/0", RECEIPT)
        return clear.getvalue()

    def read(self, clear: bytes, look: Callable[[Opened], None]) -> None:
        """Seal ``clear`` and open it as the receiving box does. Raises BadInput."""
        path = self.folder / "stick.tvb"
        with path.open("wb") as file:
            seal(io.BytesIO(clear), len(clear), [self.certificate], file)
        with opened(path, self.opener, [self.authority], {ME}, lambda code: [code], self.folder) as found:
            look(found)


def manifest(**changes: Any) -> Manifest:
    """The honest one."""
    carried = Carried(ID, "edoc", 0, SENDER, (ME,), hashlib.sha256(PACKAGE).hexdigest(), len(PACKAGE))
    values = {"id": ID, "to": ME, "made_at": "2026-11-23T08:00:00+07:00", "packages": (carried,)}
    return Manifest(**{**values, "receipts": (hashlib.sha256(RECEIPT).hexdigest(),), **changes})


def _certificate(
    name: str, key: rsa.RSAPrivateKey, issuer_key: rsa.RSAPrivateKey, issuer: str, uri: str = ""
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=900))
        .not_valid_after(now + timedelta(days=900))
        .add_extension(x509.BasicConstraints(ca=not uri, path_length=None), critical=True)
    )
    if uri:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    return builder.sign(issuer_key, hashes.SHA256())


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
    stick.read(stick.inside(json.dumps(_plain(manifest())).encode()), seen.append)
    assert seen[0].manifest == manifest()


kinds = st.sampled_from(["flip", "cut", "put", "double"])
edits = st.lists(st.tuples(kinds, st.floats(0, 1, exclude_max=True), st.binary(max_size=8)), min_size=1, max_size=4)


@SLOW
@given(edits=edits)
def test_a_changed_inside_is_refused_in_words_or_is_whole(stick: Stick, edits: list[tuple[str, float, bytes]]) -> None:
    data = bytearray(stick.inside(json.dumps(_plain(manifest())).encode()))
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


def _plain(made: Manifest) -> dict[str, Any]:
    return {
        "id": made.id, "to": made.to, "made_at": made.made_at, "receipts": list(made.receipts),
        "packages": [{**one.__dict__, "recipients": list(one.recipients)} for one in made.packages],
    }  # fmt: skip


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
    said = _plain(manifest())
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
