"""What comes in is read however it is written, and nothing hostile gets through."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest

from appliance.store.blobs import BlobStore
from sync.edxml.dialects import dialect_names
from sync.edxml.model import BadPackage, ReadDocument, ReadStatus
from sync.edxml.packer import EdxmlPacker
from sync.edxml.reader import read_package
from sync.reference_bus.peek import peek
from tests.edxml_fixtures import (
    SAMPLES,
    document,
    file_in,
    malformed,
    package_bytes,
    raw_attachment,
    raw_package,
    status,
)  # fmt: skip

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\n" + bytes(range(256))


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def read(data: bytes, blobs: BlobStore) -> ReadDocument:
    package = read_package(data, blobs)
    assert isinstance(package, ReadDocument)
    return package


def zipped(*entries: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="the national samples are not on this machine")
_GOOD = sorted(path for path in SAMPLES.glob("*/*.edxml") if path.name != "resources_edoc.edxml")


@needs_samples
@pytest.mark.parametrize("path", _GOOD, ids=lambda path: path.name)
def test_every_well_formed_national_sample_is_read(path: Path, blobs: BlobStore) -> None:
    package = read_package(path, blobs)
    assert package.sender.code
    if "status" in path.name:
        assert isinstance(package, ReadStatus)
        assert package.status_code in path.name or path.name == "resources_status.edxml"
        assert package.response_for.document_code == "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
    elif path.name.startswith("resources_edoc"):
        assert isinstance(package, ReadDocument)
        assert package.number
        assert package.notation == "VPCP-TTĐT"
        assert [file.name for file in package.files] == ["1896_QD-TTg_m_294779.doc"]
        assert package.files[0].size > 380_000  # taken out of its zip


@needs_samples
@pytest.mark.parametrize(
    ("name", "kind"), [("edoc_new", 0), ("edoc_revocation", 1), ("edoc_update", 2), ("edoc_replacement", 3)]
)
def test_the_kind_of_business_is_known(name: str, kind: int, blobs: BlobStore) -> None:
    path = SAMPLES / "all4u1089-truclienthong-example" / f"resources_{name}.edxml"
    package = read_package(path, blobs)
    assert isinstance(package, ReadDocument)
    assert package.business.kind == kind


@needs_samples
def test_the_torn_national_sample_is_refused_in_vietnamese(blobs: BlobStore) -> None:
    with pytest.raises(BadPackage, match="không phải là XML đúng quy cách"):
        read_package(SAMPLES / "all4u1089-truclienthong-example" / "resources_edoc.edxml", blobs)


def test_order_prefixes_and_namespaces_do_not_matter(blobs: BlobStore) -> None:
    plain = raw_package(
        "<DocumentId>H99,1</DocumentId><Code><CodeNotation>GM</CodeNotation><CodeNumber>9</CodeNumber></Code>"
    )
    variants = [
        plain,
        plain.replace(b"http://www.mic.gov.vn/TBT/QCVN_102_2016", b"http://www.e-doc.vn/Schema/"),
        plain.replace(b"<", b"<q:")
        .replace(b"<q:/", b"</q:")
        .replace(b"<q:?xml", b"<?xml")
        .replace(b"xmlns=", b"xmlns:q="),
        plain.replace(b"<MessageHeader>", b'<MessageHeader xlink:href="undeclared">'),
        b"\xef\xbb\xbf" + plain,
        plain.decode().replace("utf-8", "utf-16").encode("utf-16"),
    ]
    read_back = {
        (p.subject, p.sender.code, p.document_code, p.number, p.notation) for p in (read(v, blobs) for v in variants)
    }
    assert read_back == {("Giấy mời họp", "H99.01", "H99,1", "9", "GM")}


def test_what_is_missing_or_odd_becomes_a_warning(blobs: BlobStore) -> None:
    package = read(
        raw_package(
            "<PromulgationInfo><PromulgationDate>30/10/2020</PromulgationDate></PromulgationInfo>"
            "<DueDate>sớm</DueDate><OtherInfo><Priority>9</Priority><PageAmount>nhiều</PageAmount></OtherInfo>"
        ),
        blobs,
    )
    assert package.issue_date == "2020-10-30"
    assert package.reply_due == ""
    assert package.urgency == 0
    warnings = " ".join(package.warnings)
    for words in ("Mã định danh văn bản", "Số của văn bản", "Hạn trả lời", "Độ khẩn", "Số trang"):
        assert words in warnings


@pytest.mark.parametrize(
    ("written", "code"), [("3", "03"), ("03", "03"), (" 13 ", "13"), ("14", "15"), ("XX", "XX"), ("99", "99")]
)
def test_status_codes_are_two_digits_and_strange_ones_are_kept(written: str, code: str, blobs: BlobStore) -> None:
    package = read_package(raw_package(f"<StatusCode>{written}</StatusCode>"), blobs)
    assert isinstance(package, ReadStatus)
    assert package.status_code == code
    assert any("14 được hiểu là 15" in warning for warning in package.warnings) == (written == "14")


def test_a_zip_around_one_file_comes_off(blobs: BlobStore) -> None:
    wrapped = zipped(("0b3f-uuid.pdf", PDF))
    package = read(raw_package(attachments=raw_attachment(wrapped, "quyết định.pdf", "application/zip")), blobs)
    (file,) = package.files
    assert (file.name, file.media_type, blobs.read(file.sha256)) == ("quyết định.pdf", "application/pdf", PDF)


def test_office_files_and_real_zips_stay_whole(blobs: BlobStore) -> None:
    docx = zipped(("[Content_Types].xml", b"<a/>"), ("word/document.xml", b"<b/>"))
    archive = zipped(("only.pdf", PDF))
    attachments = raw_attachment(docx, "mẫu.docx") + raw_attachment(archive, "hồ sơ.zip")
    package = read(raw_package(attachments=attachments), blobs)
    assert [blobs.read(file.sha256) for file in package.files] == [docx, archive]
    assert "wordprocessingml" in package.files[0].media_type
    assert package.files[1].media_type == "application/zip"


def test_a_torn_zip_wrapper_is_kept_as_it_came(blobs: BlobStore) -> None:
    torn = zipped(("x.pdf", PDF * 50))
    torn = torn[:100] + b"\0" * 50 + torn[150:]
    package = read(raw_package(attachments=raw_attachment(torn, "a.pdf")), blobs)
    assert blobs.read(package.files[0].sha256) == torn
    assert any("lớp nén bị hỏng" in warning for warning in package.warnings)


def test_a_pdf_in_name_only_is_noted(blobs: BlobStore) -> None:
    package = read(raw_package(attachments=raw_attachment(b"xin chao", "a.pdf")), blobs)
    assert package.files[0].media_type == "text/plain"
    assert any("không phải là tệp PDF thật" in warning for warning in package.warnings)


def test_an_attachment_that_is_not_base64_is_noted_and_the_rest_is_read(blobs: BlobStore) -> None:
    broken = "<Attachment><ContentTransferEncoded>tệp đính kèm</ContentTransferEncoded></Attachment>"
    package = read(raw_package(attachments=broken + raw_attachment(PDF, "a.pdf")), blobs)
    assert [blobs.read(file.sha256) for file in package.files] == [PDF]
    assert any("không giải mã được" in warning for warning in package.warnings)


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\công văn.pdf", "công văn.pdf"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("..", "tep-dinh-kem-1"),
        ("co\u0302ng va\u0306n.pdf", "công văn.pdf"),
    ],
)
def test_names_of_files_are_made_safe(written: str, safe: str, blobs: BlobStore) -> None:
    assert read(raw_package(attachments=raw_attachment(PDF, written)), blobs).files[0].name == safe


def test_a_very_long_name_keeps_its_extension(blobs: BlobStore) -> None:
    name = read(raw_package(attachments=raw_attachment(PDF, "ấ" * 400 + ".pdf")), blobs).files[0].name
    assert name.endswith("ấ.pdf")
    assert len(name.encode()) <= 200


def test_copies_that_differ_only_in_their_hops_are_the_same_document(blobs: BlobStore) -> None:
    package = package_bytes(document(files=(file_in(blobs, PDF),)), blobs)
    hop = b"<edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId></edXML:TraceHeader><edXML:Bussiness>"
    later = package.replace(b"<edXML:Bussiness>", hop)
    other = package.replace("thiên tai".encode(), "dịch bệnh".encode())
    digests = [read(data, blobs).content_sha256 for data in (package, later, other)]
    assert digests[0] == digests[1] != digests[2]


def test_other_bytes_in_a_file_are_another_document(blobs: BlobStore) -> None:
    first, second = (package_bytes(document(files=(file_in(blobs, data),)), blobs) for data in (PDF, PDF + b"."))
    assert read(first, blobs).content_sha256 != read(second, blobs).content_sha256


def test_a_pdf_that_went_through_a_text_codec_is_noted(blobs: BlobStore) -> None:
    ruined = PDF.decode("utf-8", "replace").encode()
    package = read(raw_package(attachments=raw_attachment(ruined, "a.pdf")), blobs)
    assert any("chuyển nhầm bảng mã" in warning for warning in package.warnings)
    assert not read(raw_package(attachments=raw_attachment(PDF, "a.pdf")), blobs).warnings[4:]


def test_types_and_names_that_lie_are_settled_by_the_bytes(blobs: BlobStore) -> None:
    """The manifest says one thing, the attachment another, the entry in the zip a third (bus-link A.6)."""
    listed = (
        "<edXMLManifest><Reference><ContentId>cid:1</ContentId><ContentType>application/pdf</ContentType>"
        "<AttachmentName>quyết định.pdf</AttachmentName></Reference></edXMLManifest>"
    )
    wrapped = zipped(("7a71a0ee.edxml", PDF))
    for declared in ("application/zip", "application/pdf", ""):
        unnamed = raw_attachment(wrapped, "", declared).replace("<AttachmentName></AttachmentName>", "")
        package = read(raw_package(attachments=listed + unnamed), blobs)
        (file,) = package.files
        assert (file.name, file.media_type, file.declared) == ("quyết định.pdf", "application/pdf", declared)
        assert blobs.read(file.sha256) == PDF


def test_a_zip_packed_in_a_way_that_may_ask_for_any_memory_stays_as_it_came(blobs: BlobStore) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.pdf"), PDF * 50, zipfile.ZIP_LZMA)
    package = read(raw_package(attachments=raw_attachment(buffer.getvalue(), "a.pdf")), blobs)
    assert blobs.read(package.files[0].sha256) == buffer.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [
        raw_package("<b " + " ".join(f'a{n}=""' for n in range(60)) + "/>"),
        raw_package("<b " + " ".join(f'a{n}=""' for n in range(200_000)) + "/>"),
        raw_package(f"<!--{'x' * 400_000}-->"),
        raw_package(f"<{'n' * 201}/>"),
        raw_package("<b " + f'a="{"x" * 200_000}"/><b ' * 12 + "/>"),
    ],
    ids=["attributes", "a megabyte of attributes", "long comment", "long name", "attributes' text"],
)
def test_no_single_tag_can_take_the_memory(hostile: bytes, blobs: BlobStore) -> None:
    with pytest.raises(BadPackage):
        read_package(hostile, blobs)


def test_errors_of_xml_are_said_in_vietnamese(blobs: BlobStore) -> None:
    for name, data in malformed().items():
        with pytest.raises(BadPackage) as caught:
            read_package(data, blobs)
        said = str(caught.value)
        assert not re.search(r"token|tag|entity|mismatch|element|line|well-formed|encoding", said), (name, said)


@pytest.mark.parametrize("name", dialect_names())
def test_the_buss_glance_and_the_reader_agree(name: str, blobs: BlobStore) -> None:
    digest, _ = EdxmlPacker(dialect_name=name).document(document(), blobs)
    odd = (
        raw_package("<StatusCode>3</StatusCode>")
        .replace(b"<edXMLHeader>", b"<Header>")
        .replace(b"</edXMLHeader>", b"</Header>")
    )
    for data in (blobs.read(digest), EdxmlPacker(dialect_name=name).status(status()), odd):
        model, glance = read_package(data, blobs), peek(io.BytesIO(data))
        assert (glance.from_code, glance.from_name) == (model.sender.code, model.sender.name)
        if isinstance(model, ReadDocument):
            assert (glance.document_id, glance.subject) == (model.document_code, model.subject)
        else:
            assert (glance.status_code, glance.description) == (model.status_code, model.description)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "hostile",
    [
        raw_package("<Content>&l9;</Content>", before=f'<!DOCTYPE edXML [<!ENTITY l0 "ha">{LAUGHS}]>'),
        raw_package("<Content>&x;</Content>", before='<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        raw_package(before='<!DOCTYPE e SYSTEM "http://127.0.0.1:9/x.dtd">'),
        raw_package("<a>" * 100 + "</a>" * 100),
        raw_package("<a/>" * 200_001),
        raw_package(f"<Content>{'x' * (9 << 20)}</Content>"),
        raw_package(attachments="<Attachment><ContentTransferEncoded/></Attachment>" * 501),
        raw_package(attachments=raw_attachment(zipped(("bom", b"\0" * (30 << 20))), "a.pdf")),
        b"",
        b"%PDF-1.4",
        b"<html><body>captive portal</body></html>",
        b"junk" + raw_package(),
        raw_package()[:-20],
        raw_package().replace(b"utf-8", b"x-no-such"),
        raw_package().replace(b"<OrganId>H99.01</OrganId>", b""),
        b"\0" * 1000,
    ],
    ids=[
        "billion laughs", "external entity", "external dtd", "deep", "many elements", "long text", "many attachments",
        "zip bomb", "empty", "pdf", "html", "junk before", "torn", "unknown encoding", "no sender", "zeros",
    ],
)  # fmt: skip
def test_hostile_and_broken_packages_are_refused(hostile: bytes, blobs: BlobStore) -> None:
    with pytest.raises(BadPackage) as caught:
        read_package(hostile, blobs)
    assert caught.value.next_step


def test_a_zip_that_lies_about_its_directory_is_not_opened(blobs: BlobStore) -> None:
    many = zipped(*((f"{n}", b"") for n in range(5000)))
    end = many.rfind(b"PK\x05\x06")
    lying = many[: end + 8] + b"\x01\x00\x01\x00" + many[end + 12 :]
    package = read(raw_package(attachments=raw_attachment(lying, "a.pdf")), blobs)
    assert blobs.read(package.files[0].sha256) == lying


def test_files_that_unpack_to_too_much_together_are_refused_before_any_is_stored(blobs: BlobStore) -> None:
    """Each is below every limit of its own: 40 MB, packed a hundred to one."""
    one = raw_attachment(zipped(("a.csv", (bytes(400) + b"0123456789abcdef") * 100_000)), "a.csv")
    assert read(raw_package(attachments=one), blobs).files[0].size == 41_600_000
    stored = sum(1 for _ in blobs.root.glob("??/*"))
    with pytest.raises(BadPackage, match="bung ra quá lớn"):
        read_package(raw_package(attachments=one * 8), blobs)
    assert sum(1 for _ in blobs.root.glob("??/*")) == stored
    kept = raw_package(attachments=one.replace("a.csv", "a.zip") * 8)
    assert len(read(kept, blobs).files) == 8, "a zip that stays a zip unpacks to nothing"
