"""Every failure of a signing device, from a real PKCS#11 module to the page: the right words, then the next signature.

The way is the whole one: the page's form, the office's step, the signer process, its worker, the module. What SoftHSM2
can do itself (no module, no token, another token, no key, a wrong PIN) it does; the rest comes from ``tests/shim``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from flask import Flask

from appliance.clock import VN, record_bus_sample
from appliance.config import Settings
from appliance.office import devices, outgoing
from appliance.signing.algorithms import Scheme
from appliance.signing.token import Pin, TokenKey
from appliance.store.database import transaction
from provisioning.box import make_desk
from provisioning.demo import pki
from provisioning.demo.cast import CHAIR, UBND
from provisioning.demo.office import bind_key
from tests.office_fixtures import Office
from tests.shim.module import Shim, make_shim
from tests.signing_fixtures import LEADER_PIN, SignerProcess, Signing, signing  # noqa: F401
from tests.web_fixtures import Visitor, add_outgoing, make_app, words

SIGNER_SECONDS = 2.0


@dataclass
class Table:
    """The chair at the page, the signer over the shim, and everything a row may put out of order."""

    office: Office
    signing: Signing
    service: SignerProcess
    shim: Shim
    app: Flask
    prepared: str
    placement: str

    def attempt(self, pin: str = LEADER_PIN, **values: str) -> tuple[int, str, str]:
        """The chair signs a new document: status, the page's words, the document's state afterwards."""
        changes = {"prepared_sha256": self.prepared, "placement": self.placement}
        document = add_outgoing(self.office, "submitted", **changes)
        chair = Visitor(self.office, self.app)
        chair.log_in(CHAIR.username)
        chair.get(f"/van-ban-di/{document}")
        answer = chair.post(f"/van-ban-di/{document}/ky", {"pin": pin, **values})
        assert pin not in answer.text
        state = outgoing.get(self.office.desk, self.office.chair, document).state
        return answer.status_code, words(answer), state

    def register(self, key: TokenKey) -> None:
        """The chair's device holds this from now on, as if registered when all was well."""
        device, _ = devices.personal_key(self.office.desk.db, self.office.accounts[CHAIR.username], UBND.id)
        with transaction(self.office.desk.db):
            self.office.desk.db.execute(
                "UPDATE device SET token_serial = ?, key_id = ?, certificate = ? WHERE id = ?",
                [key.token_serial, key.key_id, key.certificate, device],
            )

    def token_folder(self) -> Path:
        """Where SoftHSM keeps the leader's token."""
        serial = self.signing.leader.token_serial
        tokens = self.signing.configuration.parent / "tokens"
        return next(path for path in tokens.iterdir() if path.name.replace("-", "").endswith(serial))


@pytest.fixture(scope="module")
def table(
    furnished: tuple[Path, dict[str, str]],
    signing: Signing,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Table]:
    folder = tmp_path_factory.mktemp("failures")
    data, accounts = furnished
    shutil.copytree(data, folder / "box")
    shutil.copytree(signing.authority.trust, folder / "box" / "trust")
    shim = make_shim(folder / "shim.so", signing.service.settings.pkcs11_modules[0])
    settings = Settings(
        data=folder / "box", chronyc=False, pkcs11_modules=(shim.path,), signer_timeout_seconds=SIGNER_SECONDS
    )
    service = SignerProcess(settings, signing.configuration)
    service.start()
    office = Office(make_desk(settings), accounts)
    with transaction(office.desk.db):
        record_bus_sample(office.desk.db, offset=0.0, error=0.1)
    prepared, placement = signing.prepared()
    made = Table(office, signing, service, shim, make_app(office), office.desk.blobs.put(prepared), placement.to_json())
    holder = accounts[CHAIR.username]
    bind_key(office.desk, organ_id=UBND.id, holder_id=holder, key=signing.leader, token_label="Chủ tịch")
    yield made
    service.stop()


# -------------------------------------------------------------------------------------- one thing out of order
Undo = Callable[[], Any]
Row = Callable[[Table], Undo]


def shim(*lines: str) -> Row:
    """The module behaves so."""

    def arrange(table: Table) -> Undo:
        table.shim.behave(*lines)
        return table.shim.behave

    return arrange


def moved(which: Callable[[Table], Path]) -> Row:
    """A file or folder is not where it was."""

    def arrange(table: Table) -> Undo:
        path = which(table)
        away = table.office.desk.settings.data / "away"
        shutil.move(path, away)
        return lambda: shutil.move(away, path)

    return arrange


def unplugged(table: Table) -> Undo:
    """No token at all: SoftHSM2 shows its empty slot only."""
    tokens = table.signing.configuration.parent / "tokens"
    away = tokens.with_name("unplugged")
    tokens.rename(away)
    tokens.mkdir()

    def plug_in() -> None:
        shutil.rmtree(tokens)
        away.rename(tokens)

    return plug_in


def registered(make: Callable[[Table], TokenKey]) -> Row:
    """Another certificate is registered for the chair."""

    def arrange(table: Table) -> Undo:
        table.register(make(table))
        return lambda: table.register(table.signing.leader)

    return arrange


def certified(revoked: bool = False, **how: Any) -> Row:
    """The leader's own key with a certificate in another state."""

    def make(table: Table) -> TokenKey:
        authority, leader = table.signing.authority, table.signing.leader
        public = load_der_x509_certificate(leader.certificate).public_key()
        certificate = authority.issue(public, common_name=CHAIR.full_name, organ=UBND.name, **how)
        if revoked:
            authority.revoke(certificate)
            shutil.copytree(authority.trust, table.office.desk.settings.trust, dirs_exist_ok=True)
        return replace(leader, certificate=certificate.public_bytes(Encoding.DER))

    return registered(make)


def stopped(table: Table) -> Undo:
    table.service.stop()
    return table.service.start


def healthy(table: Table) -> Undo:
    return lambda: None


NOW = datetime.now(VN)
LOCKED, FINAL_TRY, COUNT_LOW = "0x40000", "0x20000", "0x10000"
ROWS: dict[str, tuple[Row, str]] = {
    # SoftHSM2's own
    "no module": (moved(lambda t: t.shim.path), "Máy chưa có phần mềm điều khiển (trình PKCS#11)"),
    "no token": (unplugged, "Không thấy thiết bị ký số đã đăng ký"),
    "another token": (
        moved(lambda t: t.token_folder()),
        "Thiết bị đang cắm ( … “Con dấu” … ) không phải thiết bị ký số đã đăng ký cho việc này",
    ),
    "no key": (
        registered(lambda t: replace(t.signing.leader, certificate=t.signing.seal.certificate)),
        "Thiết bị đang cắm không chứa khóa ký đã đăng ký",
    ),
    # the certificate's
    "expired": (
        certified(not_before=NOW - timedelta(days=400), days=30), "Không ký được: chứng thư số đã hết hạn ngày"
    ),
    "not yet valid": (
        certified(not_before=NOW + timedelta(days=3)), "Không ký được: chứng thư số chưa có hiệu lực, bắt đầu từ ngày"
    ),
    "revoked": (certified(revoked=True), "Không ký được: chứng thư số đã bị thu hồi lúc"),
    "another purpose": (certified(may_sign=False), "Không ký được: chứng thư số không được cấp để ký văn bản"),
    # a device's, by the shim
    "no token in the reader": (shim("C_GetTokenInfo rv 0xe0"), "Không thấy thiết bị ký số đã đăng ký"),
    "wrong PIN said as a general error": (
        shim("C_Login rv 0x5", f"flags-after-login {COUNT_LOW}"), "Mã PIN không đúng. Việc cần làm"
    ),
    "last try": (
        shim("C_Login rv 0xa0", f"flags-after-login {FINAL_TRY}"),
        "Mã PIN không đúng; thiết bị chỉ còn cho nhập một lần nữa",
    ),
    "locked by this try": (
        shim("C_Login rv 0xa0", f"flags-after-login {LOCKED}"), "Thiết bị ký số đã bị khóa vì nhập sai mã PIN"
    ),
    "locked, said at login": (shim("C_Login rv 0xa4"), "Thiết bị ký số đã bị khóa vì nhập sai mã PIN"),
    "locked, said by the flags": (
        shim(f"flags {LOCKED}", "C_Login crash"), "Thiết bị ký số đã bị khóa vì nhập sai mã PIN"
    ),
    "only one try left": (
        shim(f"flags {FINAL_TRY}", "C_Login crash"), "mã PIN vừa nhập chưa được gửi đến thiết bị"
    ),
    "PIN expired": (shim("C_Login rv 0xa3"), "Mã PIN của thiết bị chưa được đặt hoặc đã hết hạn"),
    "PIN never set": (shim("C_Login rv 0x102"), "Mã PIN của thiết bị chưa được đặt hoặc đã hết hạn"),
    "PIN of a wrong length": (shim("C_Login rv 0xa2"), "Thiết bị không nhận mã PIN có độ dài hoặc ký tự"),
    "removed while signing": (shim("C_Sign gone"), "Thiết bị ký số bị rút ra hoặc mất kết nối khi đang ký"),
    "removed before signing": (shim("C_SignInit rv 0x32"), "Thiết bị ký số bị rút ra hoặc mất kết nối khi đang ký"),
    "device error": (shim("C_Sign rv 0x30"), "Thiết bị ký số bị rút ra hoặc mất kết nối khi đang ký"),
    "busy, somebody is logged in": (shim("C_Login rv 0x104"), "Thiết bị ký số đang bận"),
    "busy, no session free": (shim("C_OpenSession rv 0xb1"), "Thiết bị ký số đang bận"),
    "cancelled at the device": (shim("C_Sign rv 0x50"), "Việc ký đã bị hủy hoặc bị từ chối trên thiết bị"),
    "refused at the device": (shim("C_Sign rv 0x200"), "Việc ký đã bị hủy hoặc bị từ chối trên thiết bị"),
    "memory full": (shim("C_Sign rv 0x31"), "Thiết bị ký số báo thiếu bộ nhớ"),
    "mechanism missing": (shim("C_SignInit rv 0x70"), "Thiết bị không hỗ trợ thuật toán ký"),
    "hangs while signing": (shim("C_Sign hang"), "Thiết bị ký số không trả lời trong thời gian cho phép"),
    "hangs when looked for": (shim("C_GetSlotList hang"), "Thiết bị ký số không trả lời trong thời gian cho phép"),
    "crashes while signing": (shim("C_Sign crash"), "Trình điều khiển thiết bị ký số bị lỗi và đã dừng"),
    "crashes at login": (shim("C_Login crash"), "Trình điều khiển thiết bị ký số bị lỗi và đã dừng"),
    "crashes when loaded": (shim("C_GetFunctionList crash"), "Trình điều khiển thiết bị ký số bị lỗi và đã dừng"),
    "does not start": (shim("C_Initialize rv 0x5"), "Máy chưa có phần mềm điều khiển (trình PKCS#11)"),
    "general error": (shim("C_Sign rv 0x5"), "Thiết bị ký số báo lỗi không xác định"),
    "a maker's own code": (shim("C_Sign rv 0x80000123"), "Thiết bị ký số báo lỗi không xác định"),
    "no signer": (stopped, "Dịch vụ ký số của trạm đang không hoạt động"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_the_page_says_what_failed_and_the_next_signature_works_without_a_restart(table: Table, name: str) -> None:
    arrange, sentence = ROWS[name]
    before = table.service.process.pid if table.service.process else 0
    undo = arrange(table)
    try:
        status, text, state = table.attempt()
    finally:
        undo()
    assert status == 409
    assert all(part in text for part in sentence.split(" … "))
    assert "Việc cần làm" in text
    assert state == "submitted", "a signature that failed moves nothing"
    assert table.attempt()[::2] == (303, "signed")
    assert name == "no signer" or (table.service.process and table.service.process.pid == before)
    device, _ = devices.personal_key(table.office.desk.db, table.office.accounts[CHAIR.username], UBND.id)
    assert devices.wrong_pins(table.office.desk.db, device) == 0


def test_a_wrong_pin_is_counted_in_words_and_the_third_one_wants_a_confirmation(table: Table) -> None:
    assert "Mã PIN không đúng. Việc cần làm" in table.attempt("000000")[1]
    assert "Mã PIN không đúng, đã nhập sai 2 lần liên tiếp" in table.attempt("000000")[1]
    assert "sai thêm lần nữa thiết bị có thể bị khóa" in table.attempt()[1]
    assert table.attempt(last_try="1")[::2] == (303, "signed")


def test_the_last_try_by_the_device_itself_is_warned_of_and_taken_only_when_confirmed(table: Table) -> None:
    table.shim.behave(f"flags {FINAL_TRY}")
    try:
        chair = Visitor(table.office, table.app)
        chair.log_in(CHAIR.username)
        document = add_outgoing(table.office, "submitted", prepared_sha256=table.prepared, placement=table.placement)
        assert "chỉ còn một lần nhập PIN" in words(chair.get(f"/van-ban-di/{document}/thiet-bi"))
        assert "Tôi chấp nhận lần thử này" not in words(chair.get(f"/van-ban-di/{document}")).replace("“", "")
        refused = table.attempt()
        assert refused[2] == "submitted"
        assert "Tôi chấp nhận lần thử này: " in refused[1], "the box to tick is on the page"
        assert table.attempt(last_try="1")[::2] == (303, "signed")
    finally:
        table.shim.behave()


def test_a_driver_that_hangs_or_dies_hides_no_token_of_another(table: Table, tmp_path: Path) -> None:
    real = table.shim.real
    broken = [make_shim(tmp_path / f"{kind}.so", real) for kind in ("hang", "crash")]
    broken[0].behave("C_GetSlotList hang")
    broken[1].behave("C_Initialize crash")
    modules = (tmp_path / "none.so", *(shim.path for shim in broken), real)
    service = SignerProcess(
        Settings(data=tmp_path, pkcs11_modules=modules, signer_timeout_seconds=SIGNER_SECONDS),
        table.signing.configuration,
    )
    service.start()
    try:
        assert {token.label for token in service.client.tokens()} >= {"Chủ tịch", "Con dấu"}
        signed = replace(table.signing, service=service)
        prepared, _ = signed.prepared()
        assert signed.sign(prepared)
        assert signed.sign(prepared), "the second time straight through the driver that had it"
    finally:
        service.stop()


def test_a_pin_may_hold_any_letters(signing: Signing) -> None:  # noqa: F811
    pin = "Mật khẩu số Một ✓"
    module = signing.service.settings.pkcs11_modules[0]
    key = pki.make_signer(
        signing.authority, signing.configuration, module, label="Chữ", pin=pin, common_name="Lê Thị Ý", organ="UBND"
    )
    assert signing.client.sign(key, Pin(pin), b"signed attributes", Scheme("rsa-pkcs1", "sha256"))
