"""Whom the box trusts is the technician's to say, by page, command or stick, and never silently a new root."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.clock import VN
from appliance.errors import BadInput, NotFound
from appliance.office import anchors
from appliance.office.anchors import bring, entries, read_path, remove
from appliance.signing.trust_files import contents
from provisioning.cli import main
from provisioning.demo import pki
from provisioning.demo.cast import TECHNICIAN
from provisioning.demo.keyfiles import read_key
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, words


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> pki.Authority:
    return pki.make_ca(tmp_path_factory.mktemp("ca") / "ca")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> pki.Authority:
    return pki.make_ca(tmp_path_factory.mktemp("stranger") / "ca", name="Không ai biết")


def print_of(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()


def stick(authority: pki.Authority, folder: Path) -> Path:
    """A USB stick with everything of an authority, and things that do not belong there."""
    shutil.copytree(authority.trust, folder / "CHUNG THU")
    (folder / "ảnh.jpg").write_bytes(b"\xff\xd8")
    (folder / "hỏng.crt").write_bytes(b"nothing at all")
    (folder / "ra ngoài.pem").symlink_to("/etc/hostname")
    return folder


def taken(outcomes: list[anchors.Outcome]) -> list[str]:
    return sorted(one.entry.kind for one in outcomes if one.accepted)


def kinds(office: Office) -> list[str]:
    return [one.kind for one in entries(office.desk)[0]]


@pytest.fixture
def empty(office: Office) -> Office:
    shutil.rmtree(office.desk.settings.trust, ignore_errors=True)
    return office


def test_a_new_root_and_what_hangs_on_it_is_never_taken_silently(
    empty: Office, authority: pki.Authority, tmp_path: Path
) -> None:
    found, trouble = read_path(stick(authority, tmp_path / "usb"))
    assert len(trouble) == 1
    outcomes = bring(empty.desk, empty.technician, found)
    assert taken(outcomes) == []
    assert any("chỉ nhận khi kèm dấu vân tay" in one.words for one in outcomes)
    assert kinds(empty) == []


def test_with_its_fingerprint_the_whole_stick_is_taken_in_any_order_and_each_thing_journalled(
    empty: Office, authority: pki.Authority, tmp_path: Path
) -> None:
    found, _ = read_path(stick(authority, tmp_path / "usb"))
    shown = print_of(authority.root).upper()
    pairs = ":".join(shown[at : at + 2] for at in range(0, 64, 2))
    outcomes = bring(empty.desk, empty.technician, reversed(found), accept_roots=[pairs])
    assert taken(outcomes) == ["intermediate", "list", "list", "root"]
    assert kinds(empty) == ["root", "intermediate", "list", "list"]
    assert len(empty.desk.trust.roots) == 1  # seen without a restart
    assert len(empty.desk.trust.crls) == 2
    journal = empty.desk.db.execute("SELECT actor FROM audit WHERE action = 'trust.add'").fetchall()
    assert journal == [(empty.technician.account_id,)] * 4
    again = bring(empty.desk, empty.technician, found, accept_roots=[pairs])
    assert {one.words for one in again} == {"Đã có từ trước"}


def test_a_strangers_lists_and_intermediates_are_refused(
    empty: Office, authority: pki.Authority, stranger: pki.Authority
) -> None:
    trusted(empty, authority)
    found, _ = read_path(stranger.trust)
    outcomes = bring(empty.desk, empty.technician, found)
    assert taken(outcomes) == []
    assert sorted(one.words for one in outcomes)[1:] == [
        "Không do tổ chức đang được tin cậy cấp", "Không do tổ chức đang được tin cậy ký",
        "Không do tổ chức đang được tin cậy ký",
    ]  # fmt: skip


def trusted(office: Office, authority: pki.Authority) -> None:
    found, _ = read_path(authority.trust)
    bring(office.desk, office.technician, found, accept_roots=[print_of(authority.root)])


def crl(authority: pki.Authority, *, since: datetime, forged: pki.Authority | None = None) -> bytes:
    """A list in the intermediate's name, signed by it or by a forger."""
    key = read_key((forged or authority).directory / "private" / "intermediate.key")
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.intermediate.subject)
    builder = builder.last_update(since).next_update(since + timedelta(days=30))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_list_replaces_the_older_one_of_its_issuer_only(empty: Office, authority: pki.Authority) -> None:
    trusted(empty, authority)
    now = datetime.now(VN)
    for since, forged, words_ in (
        (now - timedelta(days=9), None, "Cũ hơn danh sách đang có"),
        (now + timedelta(days=1), None, "Ngày phát hành ở tương lai; kiểm tra đồng hồ của trạm"),
        (now, None, "Đã nhận"),
    ):
        (outcome,) = bring(empty.desk, empty.technician, contents("a.crl", crl(authority, since=since, forged=forged)))
        assert outcome.words == words_
    assert kinds(empty).count("list") == 2


def test_a_list_forged_in_an_issuers_name_is_refused(
    empty: Office, authority: pki.Authority, stranger: pki.Authority
) -> None:
    trusted(empty, authority)
    data = crl(authority, since=datetime.now(VN), forged=stranger)
    (outcome,) = bring(empty.desk, empty.technician, contents("a.crl", data))
    assert outcome.words == "Không do tổ chức đang được tin cậy ký"


def test_removing_leaves_what_shares_the_file(empty: Office, authority: pki.Authority) -> None:
    folder = empty.desk.settings.trust
    folder.mkdir()
    both = b"".join(c.public_bytes(Encoding.PEM) for c in (authority.root, authority.intermediate))
    (folder / "tất cả.pem").write_bytes(both)
    remove(empty.desk, empty.technician, print_of(authority.intermediate))
    assert kinds(empty) == ["root"]
    remove(empty.desk, empty.technician, print_of(authority.root))
    assert kinds(empty) == []
    with pytest.raises(NotFound):
        remove(empty.desk, empty.technician, print_of(authority.root))


def test_hostile_files_are_a_sentence(empty: Office) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/root.pem", b"0" * (60 << 20))
    for data in (bomb.getvalue(), b"PK\x03\x04 not a zip", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"0\x82", b""):
        with pytest.raises(BadInput):
            contents("lạ.pem", data)
    assert kinds(empty) == []


def test_the_page_adds_shows_and_removes(empty: Office, authority: pki.Authority) -> None:
    technician = Visitor(empty)
    technician.log_in(TECHNICIAN.username)
    assert "Chưa có chứng thư gốc nào" in words(technician.get("/he-thong/tin-cay/"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in authority.trust.iterdir():
            zipped.write(file, file.name)
    shown = print_of(authority.root)
    for fingerprint, said in (("", "Không nhận"), (shown, "Đã nhận")):
        form = {"file": (io.BytesIO(archive.getvalue()), "stick.zip"), "fingerprint": fingerprint}
        answer = technician.post("/he-thong/tin-cay/", form)
        assert said in words(answer)
        assert shown in words(answer)
    page = words(technician.get("/he-thong/tin-cay/"))
    assert "Chứng thực thử nghiệm gốc" in page
    assert "Còn hạn" in page
    assert shown in words(technician.get(f"/he-thong/tin-cay/{shown}/bo"))
    assert technician.post(f"/he-thong/tin-cay/{shown}/bo").status_code == 303
    assert kinds(empty) == ["intermediate", "list", "list"]
    broken = technician.post("/he-thong/tin-cay/", {"file": (io.BytesIO(b"?"), "x.pem")})
    assert broken.status_code == 422
    assert "không phải chứng thư số" in words(broken)


def test_the_command_does_the_same(
    empty: Office, authority: pki.Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "tram.toml"
    config.write_text(f'data = "{empty.desk.settings.data}"\n', "utf-8")
    usb = str(stick(authority, tmp_path / "usb"))
    start = ["trust", "--config", str(config)]
    assert main([*start, "import", usb]) == 1
    assert print_of(authority.root) in capsys.readouterr().out
    assert main([*start, "import", usb, "--accept-root", print_of(authority.root)]) == 0
    assert main([*start, "list"]) == 0
    listed = capsys.readouterr().out
    assert "Chứng thư gốc: Chứng thực thử nghiệm gốc" in listed
    assert main([*start, "remove", print_of(authority.intermediate)]) == 0
    assert kinds(empty) == ["root", "list", "list"]
    assert main([*start, "remove", hashlib.sha256().hexdigest()]) == 1


def test_a_broken_file_in_the_folder_is_named_and_documents_still_come_in(empty: Office) -> None:
    from appliance.office import verdicts

    folder = empty.desk.settings.trust
    folder.mkdir()
    (folder / "hỏng.pem").write_bytes(b"?")
    assert entries(empty.desk)[1] == ["hỏng.pem"]
    report = verdicts.judge(b"%PDF-1.7", empty.desk.trust, empty.desk.clock.now())
    assert report["verdict"] == "unknown"
    assert "hỏng.pem" in report["reason"]


def test_a_folder_that_changes_while_it_is_read_is_read_again(
    empty: Office, authority: pki.Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from appliance.signing import trust as room

    trusted(empty, authority)
    folder, blocks = empty.desk.settings.trust, room._blocks
    gone = next(folder.glob("*.crl"))

    def disappearing(path: Path) -> list[bytes]:
        gone.unlink(missing_ok=True)  # as when a newer list takes its place under another name
        return blocks(path)

    monkeypatch.setattr(room, "_blocks", disappearing)
    store = room.TrustStore(folder)
    assert (len(store.roots), len(store.crls)) == (1, 1)
