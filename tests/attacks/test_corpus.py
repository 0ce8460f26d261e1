"""Every attack of the corpus is refused, by the library and by `tram verify`, and with the right words."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.config import Settings
from appliance.errors import BadInput
from appliance.office import verdicts
from appliance.signing.validate import validate
from appliance.store.database import transaction
from provisioning.box import make_desk
from provisioning.cli import main
from provisioning.demo.cast import CLERK
from tests.attacks import bytes as raw
from tests.attacks import identities, updates
from tests.attacks.scene import Scene
from tests.office_fixtures import Office
from tests.signing_fixtures import Signing
from tests.web_fixtures import Visitor, add_file, add_incoming, words

CHANGED = "NỘI DUNG ĐÃ BỊ THAY ĐỔI sau khi ký"
UNREADABLE = "Chữ ký số bị hỏng, không đọc được"
TORN = "đứt hoặc hỏng"
FILLED = "Nội dung biểu mẫu bị điền thêm sau chữ ký cuối cùng"
UNTRUSTED = "Chứng thư số không do tổ chức được tin cậy cấp"
PURPOSE = "Chứng thư số không được cấp để ký văn bản"
OUTSIDE = "Thời điểm ký nằm ngoài thời hạn hiệu lực"


@dataclass(frozen=True)
class Attack:
    """``check``: the criterion that fails ('' when no reader may open the file at all); ``words``: in its reason."""

    make: Callable[[Scene], bytes]
    check: str
    words: str
    verdict: str = "invalid"

    @property
    def name(self) -> str:
        return self.make.__name__


CORPUS = [
    Attack(raw.flipped, "integrity", CHANGED),
    Attack(raw.truncated, "", TORN),
    Attack(raw.junk, "structure", "Có dữ liệu thừa", "unknown"),
    Attack(raw.zip_behind, "structure", "Có dữ liệu thừa", "unknown"),
    Attack(raw.picture_before, "", TORN),
    Attack(raw.incremental_saving, "", TORN),
    Attack(raw.incremental_saving_with_the_old_table, "structure", "lén nối vào"),
    Attack(raw.copied_signature, "structure", "lén nối vào"),
    Attack(raw.hybrid, "", TORN),
    Attack(raw.wrapped, "integrity", CHANGED),
    Attack(raw.no_range, "integrity", UNREADABLE),
    Attack(raw.null_range, "integrity", UNREADABLE),
    Attack(raw.empty_range, "integrity", CHANGED),
    Attack(raw.negative_range, "integrity", CHANGED),
    Attack(raw.short_range, "coverage", "không bao trùm toàn bộ"),
    Attack(raw.no_contents, "integrity", UNREADABLE),
    Attack(raw.zero_contents, "integrity", UNREADABLE),
    Attack(raw.null_contents, "integrity", UNREADABLE),
    Attack(raw.encrypted, "", "đặt mật khẩu"),
    Attack(updates.stamped, "changes", CHANGED),
    Attack(updates.stamped_before_the_seal, "changes", CHANGED),
    Attack(updates.page_replaced, "changes", CHANGED),
    Attack(updates.page_added, "changes", CHANGED),
    Attack(updates.other_number, "changes", CHANGED),
    Attack(updates.number_without_a_look, "changes", CHANGED),
    Attack(updates.number_filled_by_hand, "changes", FILLED),
    Attack(updates.swapped_seal_picture, "changes", CHANGED),
    Attack(updates.free_text, "changes", CHANGED),
    Attack(updates.stamped_on_a_certified_file, "changes", CHANGED),
    Attack(updates.sneaky_field, "changes", FILLED),
    Attack(updates.javascript, "changes", CHANGED),
    Attack(updates.cleared_signature, "integrity", "tách khỏi văn bản"),
    Attack(updates.evidence_with_a_stamp, "changes", CHANGED),
    Attack(updates.third_signature, "changes", CHANGED),
    Attack(updates.same_field_name, "changes", CHANGED),
    Attack(updates.shadow_hide, "changes", CHANGED),
    Attack(updates.shadow_hide_by_the_table, "changes", CHANGED),
    Attack(updates.shadow_replace, "changes", CHANGED),
    Attack(updates.shadow_font, "changes", CHANGED),
    Attack(updates.shadow_hide_and_replace, "changes", CHANGED),
    Attack(updates.shadow_by_the_root, "integrity", "tách khỏi văn bản"),
    Attack(identities.expired, "validity", OUTSIDE),
    Attack(identities.backdated, "validity", "đã hết hạn ngày"),
    Attack(identities.not_yet_valid, "validity", OUTSIDE),
    Attack(identities.revoked, "revocation", "Chứng thư số đã bị thu hồi lúc"),
    Attack(identities.unknown_root, "chain", UNTRUSTED),
    Attack(identities.root_of_the_same_name, "chain", UNTRUSTED),
    Attack(identities.self_made, "chain", UNTRUSTED),
    Attack(identities.issued_by_a_signer, "chain", "đường dẫn chứng thực không hợp lệ"),
    Attack(identities.for_logging_in, "purpose", PURPOSE),
    Attack(identities.authority_itself, "purpose", PURPOSE),
    Attack(identities.short_key, "algorithm", "Khóa của chứng thư số quá ngắn"),
    Attack(identities.sha1, "algorithm", "hàm băm không còn an toàn (SHA-1)"),
    Attack(identities.sha1_certificate, "algorithm", "thuật toán không còn an toàn"),
    Attack(identities.wrong_key, "key", "Chữ ký số không khớp với chứng thư số"),
    Attack(identities.another_digest, "integrity", CHANGED),
    Attack(identities.another_name, "integrity", UNREADABLE),
    Attack(identities.two_signers_in_one, "integrity", UNREADABLE),
    Attack(identities.no_signer, "integrity", UNREADABLE),
    Attack(identities.without_signed_attributes, "integrity", CHANGED),
    Attack(identities.told_weak_digest, "algorithm", "MD5"),
]


@pytest.fixture(autouse=True)
def _fresh_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """`tram` writes its log to the standard error of now, not to that of the test before."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


@pytest.fixture(scope="module")
def scene(signing: Signing, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(signing, tmp_path_factory.mktemp("attacks"))


@pytest.fixture(scope="module")
def clerk(
    signing: Signing, furnished: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Visitor:
    """The clerk of an office that trusts the demo's authority, logged in."""
    data, accounts = furnished
    folder = tmp_path_factory.mktemp("office") / "box"
    shutil.copytree(data, folder)
    shutil.copytree(signing.authority.trust, folder / "trust", dirs_exist_ok=True)
    visitor = Visitor(Office(make_desk(Settings(data=folder, chronyc=False)), accounts))
    visitor.log_in(CLERK.username)
    return visitor


def as_incoming(clerk: Visitor, signing: Signing, data: bytes) -> tuple[str, str]:
    """The words of the page of a document that came with this file, and of the file's report."""
    desk = clerk.office.desk
    for file in signing.authority.trust.iterdir():  # a certificate may have been revoked since
        shutil.copy(file, desk.settings.trust / file.name)
    document, text = add_incoming(clerk.office), json.dumps(verdicts.judge(data, desk.trust, desk.clock.now()))
    with transaction(desk.db):
        desk.db.execute("DELETE FROM incoming_file WHERE incoming_id = ?", [document])
        add_file(desk, document, 0, "Công văn.pdf", data, signatures=text)
        verdicts.first(desk.db, f"incoming:{document}", desk.blobs.put(data), text, desk.clock.now())
    page, report = clerk.get(f"/van-ban-den/{document}"), clerk.get(f"/van-ban-den/{document}/tep/0/kiem-tra")
    assert (page.status_code, report.status_code) == (200, 200)
    return words(page), words(report)


def verify(capsys: pytest.CaptureFixture[str], scene: Scene, data: bytes) -> tuple[int, dict[str, Any], str]:
    """What `tram verify --json` says: status, result, and what went to the standard error."""
    file = scene.folder / "attack.pdf"
    file.write_bytes(data)
    folder = scene.signing.authority.trust
    lists = [part for crl in sorted(folder.glob("*.crl")) for part in ("--crl", str(crl))]
    status = main(["verify", str(file), "--json", "--trust", str(folder / "root.pem"), *lists])
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


@pytest.mark.parametrize("attack", CORPUS, ids=lambda attack: attack.name)
def test_the_attack_is_refused_with_the_right_words(
    attack: Attack, scene: Scene, clerk: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    data = attack.make(scene)
    trust = scene.signing.trust
    if attack.check:
        report = validate(data, trust)
        assert report.verdict == attack.verdict
        assert any(attack.words in reason for one in report.signatures for reason in one.reasons)
    else:
        with pytest.raises(BadInput, match=attack.words):
            validate(data, trust)
    status, result, noise = verify(capsys, scene, data)
    assert (status, result["verdict"]) == ({"invalid": 1, "unknown": 2}[attack.verdict], attack.verdict)
    assert "Traceback" not in noise
    failed = {
        check["name"]: check["reason"]
        for one in result["signatures"]
        for check in one["checks"]
        if check["result"] == ("fail" if attack.verdict == "invalid" else "unknown")
    }
    assert attack.words in (failed[attack.check] if attack.check else result["reason"])
    page, told = as_incoming(clerk, scene.signing, data)
    assert "Có giá trị như" not in page
    assert ("Để biết, tham khảo" if attack.verdict == "invalid" else "Chưa rõ giá trị pháp lý") in page
    assert attack.words in page
    assert ("Chữ ký không hợp lệ" if attack.verdict == "invalid" else "Chưa xác minh được") in told
    assert attack.words in told


@pytest.mark.parametrize("name", ["signed", "sealed", "outside"])
def test_the_files_that_nobody_touched_stay_valid(
    name: str, scene: Scene, clerk: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    status, result, _ = verify(capsys, scene, getattr(scene, name))
    assert (status, result["verdict"]) == (0, "valid")
    page, told = as_incoming(clerk, scene.signing, getattr(scene, name))
    assert "Có giá trị như bản giấy" in page
    assert "Chữ ký hợp lệ" in told


def test_every_builder_of_the_corpus_is_in_the_table() -> None:
    listed = {attack.make for attack in CORPUS}
    for module in (raw, updates, identities):
        made = {thing for thing in vars(module).values() if getattr(thing, "__module__", "") == module.__name__}
        public = {thing for thing in made if not thing.__name__.startswith("_")}
        assert public - listed <= {raw.container, updates.with_section}
