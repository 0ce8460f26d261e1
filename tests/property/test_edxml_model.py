"""For any document the office can describe, in any dialect: valid by our schema, and read back to what was said."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from appliance.clock import VN
from appliance.errors import BadInput
from appliance.office.desk import (
    Answered,
    Business,
    DocumentPackage,
    PackageFile,
    Party,
    ReceiverChange,
    Replaced,
    StatusPackage,
)  # fmt: skip
from appliance.store.blobs import BlobStore
from sync.edxml.dialects import dialect, dialect_names
from sync.edxml.model import ReadDocument, ReadStatus, essence
from sync.edxml.names import clean
from sync.edxml.packer import EdxmlPacker, write_again
from sync.edxml.reader import read_package, tree_of
from sync.edxml.schema import deviations, schema
from tests.edxml_fixtures import status

_blobs = BlobStore(Path(tempfile.mkdtemp(prefix="edxml-model-")))
_quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_dialects = st.sampled_from(dialect_names())
_names = st.sampled_from(["a.pdf", "số liệu.xlsx", "ảnh.jpg", "hồ sơ.zip", "b.docx", "không đuôi"])
_days = st.dates(min_value=date(1975, 1, 1), max_value=date(9999, 12, 31))


def _text(longest: int, shortest: int = 0) -> st.SearchStrategy[str]:
    return st.text(min_size=shortest, max_size=longest).map(lambda text: clean(text) or "x" * shortest)


_codes = _text(30, 1)
_parties = st.builds(Party, code=_codes, name=_text(60, 1), address=_text(60))
_files = st.builds(
    lambda name, data: PackageFile(name, "application/octet-stream", _blobs.put(data)), _names, st.binary(max_size=2000)
)
_businesses = st.one_of(
    st.builds(Business, kind=st.just(0), reason=_text(60), paper_follows=st.booleans()),
    st.builds(Business, kind=st.just(1), reason=_text(60), document_code=_text(50)),
    st.builds(
        Business, kind=st.just(2), reason=_text(60), document_code=_codes, information_changed=st.booleans(),
        receivers=st.lists(st.builds(ReceiverChange, _codes, st.booleans()), max_size=3).map(tuple),
    ),
    st.builds(
        Business, kind=st.just(3), reason=_text(60),
        replaced=st.lists(
            st.builds(Replaced, _codes, st.lists(_codes, max_size=3).map(tuple)), min_size=1, max_size=3
        ).map(tuple),
    ),
)  # fmt: skip
_documents = st.builds(
    DocumentPackage,
    message_id=st.just("m"), sender=_parties,
    recipients=st.lists(_parties, min_size=1, max_size=4, unique_by=lambda party: party.code).map(tuple),
    document_code=_codes, number=_text(11, 1), notation=_text(30, 1), place=_text(50), issue_date=_days,
    type_name=_text(100), subject=_text(500, 1), competence=_text(100), signer_position=_text(100),
    signer_name=_text(50), reply_due=st.none() | _days, urgency=st.integers(0, 4), page_count=st.integers(0, 999),
    staff_name=_text(100), department=_text(100),
    at=st.datetimes(min_value=datetime(1975, 1, 1)).map(lambda at: at.replace(tzinfo=VN)),  # noqa: DTZ001
    files=st.lists(_files, max_size=3).map(tuple), business=_businesses,
    answers=st.lists(st.builds(Answered, _codes, _text(50), _text(50), st.none() | _days), max_size=3).map(tuple),
    content=_text(500), to_places=st.lists(_text(150, 1), max_size=3).map(tuple),
)  # fmt: skip


@_quick
@given(package=_documents, name=_dialects, other=_dialects)
def test_any_document_is_valid_comes_back_and_says_the_same_in_another_dialect(
    package: DocumentPackage, name: str, other: str
) -> None:
    digest, size = EdxmlPacker(dialect_name=name).document(package, _blobs)
    data = _blobs.read(digest)
    assert len(data) == size
    judge = schema(name)
    assert judge.validate(etree.fromstring(data)), judge.error_log
    assert deviations(tree_of(data, _blobs)) == ()
    model = read_package(data, _blobs)
    assert isinstance(model, ReadDocument)
    said = replace(package.business, reason=model.business.reason)
    assert (model.business, model.answers, model.to_places) == (said, package.answers, package.to_places)
    assert package.business.reason in ("", model.business.reason)
    assert [organ.code for organ in model.recipients] == [party.code for party in package.recipients]
    assert (model.subject, model.content, model.notation) == (package.subject, package.content, package.notation)
    assert [file.sha256 for file in model.files] == [file.sha256 for file in package.files]
    again = read_package(_blobs.path(write_again(model, _blobs, dialect(other))[0]), _blobs)
    assert isinstance(again, ReadDocument)
    assert essence(again) == essence(model)
    assert again.content_sha256 == model.content_sha256


@_quick
@given(
    name=_dialects, code=st.sampled_from(["01", "02", "03", "04", "05", "06", "13", "15", "16"]),
    text=_text(500), about=_text(900), staff=_text(100), day=st.just("") | _days.map(date.isoformat),
)  # fmt: skip
def test_any_status_is_valid_and_comes_back(name: str, code: str, text: str, about: str, staff: str, day: str) -> None:
    said: StatusPackage = status(
        status_code=code, description=text, document_code=about, staff_name=staff, issue_date=day
    )
    data = EdxmlPacker(dialect_name=name).status(said)
    judge = schema(name)
    assert judge.validate(etree.fromstring(data)), judge.error_log
    back = read_package(data, _blobs)
    assert isinstance(back, ReadStatus)
    assert (back.status_code, back.description, back.staff.name) == (code, text, staff)
    assert (back.response_for.document_code, back.response_for.date) == (about, day)


@_quick
@given(package=_documents, limit=st.integers(1, 3000))
def test_no_package_grows_beyond_what_the_bus_takes(package: DocumentPackage, limit: int) -> None:
    _, size = EdxmlPacker().document(package, _blobs)
    assert EdxmlPacker(max_bytes=size).document(package, _blobs)[1] == size
    with pytest.raises(BadInput, match="vượt giới hạn"):
        EdxmlPacker(max_bytes=min(limit, size - 1)).document(package, _blobs)
