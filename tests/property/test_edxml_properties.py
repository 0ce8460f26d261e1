"""edXML for any text and any bytes: what is written comes back, what comes in never does more than be refused."""

from __future__ import annotations

import tempfile
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import BadInput
from appliance.office.desk import DocumentPackage
from appliance.store.blobs import BlobStore
from sync.edxml.media import safe_name
from sync.edxml.model import BadPackage, ReadDocument
from sync.edxml.names import clean, read_date, read_time, wire_moment
from sync.edxml.reader import read_package
from tests.edxml_fixtures import document, file_in, package_bytes, raw_package

_blobs = BlobStore(Path(tempfile.mkdtemp(prefix="edxml-")))
_quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_text = st.text(max_size=120)
_NAMES = ["From", "To", "OrganId", "StatusCode", "MessageHeader", "Attachment", "ContentTransferEncoded", "a:b"]


def _written_or_refused(package: DocumentPackage) -> bytes | BadInput:
    try:
        return package_bytes(package, _blobs)
    except BadInput as refusal:
        return refusal


def _read_or_refused(data: bytes) -> str:
    """The sender's code of a package that can be read, else the words of the refusal."""
    try:
        return read_package(data, _blobs).sender.code
    except BadPackage as refusal:
        return refusal.next_step


@_quick
@given(subject=_text, name=_text, place=st.text(max_size=60), data=st.binary(max_size=3000), file_name=_text)
def test_any_text_comes_back_or_is_refused_in_words(
    subject: str, name: str, place: str, data: bytes, file_name: str
) -> None:
    package = document(
        subject=subject, signer_name=name[:40], place=place, files=(file_in(_blobs, data, file_name or "x"),)
    )
    xml = _written_or_refused(package)
    if isinstance(xml, BadInput):
        assert xml.next_step
        return
    back = read_package(xml, _blobs)
    assert isinstance(back, ReadDocument)
    assert [back.subject, back.signer_name, back.place] == [clean(text) for text in (subject, name[:40], place)]
    assert _blobs.read(back.files[0].sha256) == data


_xml = st.recursive(
    st.text(alphabet="abcDEF<>&;\"'![]-?/ \n0#x", max_size=20),
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>",
        st.sampled_from(_NAMES),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@_quick
@given(body=_xml)
def test_strange_xml_is_read_or_refused_and_nothing_else(body: str) -> None:
    for data in (raw_package(body), raw_package(attachments=body), body.encode()):
        assert _read_or_refused(data)


@_quick
@given(data=st.binary(max_size=2000))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadPackage):
        read_package(data, _blobs)


@_quick
@given(at=st.integers(0, 6000), value=st.integers(0, 255))
def test_one_changed_byte_never_breaks_the_reader(at: int, value: int) -> None:
    xml = bytearray(package_bytes(document(files=(file_in(_blobs, b"%PDF-1.4 xin chao" * 20),)), _blobs))
    xml[at % len(xml)] = value
    assert _read_or_refused(bytes(xml))


@given(name=st.text(max_size=300), number=st.integers(1, 500))
def test_a_safe_name_is_always_a_plain_file_name(name: str, number: int) -> None:
    safe = safe_name(name, number)
    assert safe
    assert safe not in (".", "..")
    assert "/" not in safe
    assert "\\" not in safe
    assert len(safe.encode()) <= 200
    assert safe == unicodedata.normalize("NFC", safe)
    assert not any(unicodedata.category(c).startswith("C") for c in safe)


@given(day=st.dates(min_value=date(1000, 1, 1)), text=st.text(max_size=30))
def test_dates_come_back_in_both_orders_and_nonsense_is_none(day: date, text: str) -> None:
    assert read_date(wire_moment(day.isoformat())) == day
    assert read_date(f"{day:%d/%m/%Y}") == day
    read_date(text)
    read_time(text)
