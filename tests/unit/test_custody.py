"""The custody of tokens: who may keep one, who may seal, what a lost one cannot do (articles 5 and 26.8)."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from typing import Any

import pypdfium2
import pytest

from appliance.errors import BadInput, NotAllowed, NotFound, RuleRefused, Unavailable, WrongState
from appliance.office import custody, devices, notices, people
from appliance.office.custody.steps import write
from appliance.office.desk import Actor
from appliance.office.devices import Device
from appliance.regulation import rules
from appliance.store import audit
from appliance.store.database import transaction
from provisioning.demo.cast import CHAIR, CLERK, OFFICIAL, UBND
from tests.custody_fixtures import Store
from tests.office_fixtures import PASSWORD

FORM = custody.HandoverForm(
    "", number="03/BB-UBND", reason="Thay đổi người phụ trách văn thư", condition="Hoạt động bình thường",
    accessories="Hộp và dây đeo", witness="Phạm Quốc Huy, Kỹ thuật viên",
)  # fmt: skip


@pytest.fixture
def second_clerk(store: Store) -> Actor:
    desk = store.office.desk
    with transaction(desk.db):
        account = people.add(
            desk.db, username="vanthu2", full_name="Ngô Thị Diễm Phượng", position="Văn thư", password=PASSWORD,
            memberships=[(UBND.id, "clerk")], created_at=desk.clock.now().isoformat(),
        )  # fmt: skip
    return people.actor(desk.db, account, UBND.id)


def _text(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in pages)


def _hand(store: Store, actor: Actor, device: Device, to: str, **changes: Any) -> custody.Handover:
    return custody.hand_over(store.office.desk, actor, device.id, replace(FORM, to_id=to, **changes))


# ------------------------------------------------------------------------------------------------------------ keepers
def test_only_the_present_keeper_may_seal_and_the_refusal_names_article_and_next_step(
    store: Store, second_clerk: Actor
) -> None:
    device, db = store.register(), store.office.desk.db
    assert devices.organ_key(db, UBND.id, store.office.clerk)[0] == device.id
    with pytest.raises(RuleRefused, match=f"đang do {CLERK.full_name} giữ") as caught:
        devices.organ_key(db, UBND.id, second_clerk)
    assert caught.value.rule == rules.SEAL_KEEPER
    assert "biên bản bàn giao" in caught.value.next_step
    _hand(store, store.office.clerk, device, second_clerk.account_id)
    assert devices.organ_key(db, UBND.id, second_clerk)[0] == device.id
    with pytest.raises(RuleRefused, match="Ngô Thị Diễm Phượng"):
        devices.organ_key(db, UBND.id, store.office.clerk)


def test_the_seal_goes_to_a_clerk_and_to_nobody_else(store: Store) -> None:
    device = store.register()
    with pytest.raises(RuleRefused, match="phải là văn thư"):
        _hand(store, store.office.clerk, device, store.office.accounts[OFFICIAL.username])
    with pytest.raises(RuleRefused, match="phải là văn thư"):
        store.register(keeper_id=store.office.accounts[CHAIR.username])


def test_a_personal_device_goes_to_the_clerk_only_by_a_written_rule_and_the_holder_still_signs(store: Store) -> None:
    device, office = store.register("personal"), store.office
    clerk = office.accounts[CLERK.username]
    with pytest.raises(RuleRefused) as caught:
        _hand(store, office.chair, device, clerk)
    assert caught.value.rule == rules.PERSONAL_KEEPER
    rule = "khoản 2 Điều 7 Quy chế công tác văn thư lưu trữ số 12/QĐ-UBND"
    _hand(store, office.chair, device, clerk, keeping_rule=rule)
    kept = custody.get(office.desk, office.clerk, device.id)
    assert (kept.keeper_id, kept.keeping_rule) == (clerk, rule)
    assert devices.personal_key(office.desk.db, office.chair.account_id, UBND.id)[0] == device.id
    with pytest.raises(NotFound):
        devices.personal_key(office.desk.db, clerk, UBND.id)
    _hand(store, office.chair, device, office.chair.account_id)  # the holder takes it back
    assert custody.get(office.desk, office.chair, device.id).keeping_rule == ""


def test_who_does_not_keep_it_cannot_hand_it_over(store: Store, second_clerk: Actor) -> None:
    device = store.register()
    with pytest.raises(NotAllowed):
        _hand(store, second_clerk, device, second_clerk.account_id)
    with pytest.raises(NotAllowed):
        _hand(store, store.office.technician, device, second_clerk.account_id)
    _hand(store, store.office.chair, device, second_clerk.account_id)  # the clerk has left: the chair decides


def test_two_handovers_at_once_leave_one_keeper(store: Store, second_clerk: Actor) -> None:
    device, desk = store.register(), store.office.desk
    seen = custody.get(desk, store.office.clerk, device.id)
    _hand(store, store.office.clerk, device, second_clerk.account_id)
    with pytest.raises(WrongState):
        write(desk, store.office.chair, seen, "hand_over", {"keeper_id": seen.keeper_id}, {})


# ------------------------------------------------------------------------------------------------------------ minutes
def test_the_minutes_say_who_gave_what_to_whom_and_when_in_whole_letters(store: Store, second_clerk: Actor) -> None:
    device, desk = store.register(), store.office.desk
    handover = _hand(store, store.office.clerk, device, second_clerk.account_id, reason="Nghỉ thai sa\u0309n")
    text = _text(desk.blobs.read(handover.minutes_sha256 or ""))
    for expected in (
        "Số: 03/BB-UBND", "BIÊN BẢN", CLERK.full_name, "Ngô Thị Diễm Phượng", device.token_serial, device.facts.serial,
        "Hộp và dây đeo", "Nghỉ thai sản", "Phạm Quốc Huy", "UTC+07:00", "BÊN GIAO", "BÊN NHẬN", "NGƯỜI CHỨNG KIẾN",
        "bảo quản thiết bị như con dấu",
    ):  # fmt: skip
        assert expected in text, expected
    assert unicodedata.is_normalized("NFC", text)
    assert desk.clock.now().strftime("%H giờ %M phút") in text


def test_a_handover_without_reason_or_condition_is_asked_for_again(store: Store, second_clerk: Actor) -> None:
    device = store.register()
    for missing in ("reason", "condition"):
        with pytest.raises(BadInput, match="lý do bàn giao và tình trạng"):
            _hand(store, store.office.clerk, device, second_clerk.account_id, **{missing: "  "})
    with pytest.raises(BadInput, match="không quá 200"):
        _hand(store, store.office.clerk, device, second_clerk.account_id, witness="a" * 201)
    assert len(custody.handovers(store.office.desk.db, device.id)) == 1


def test_a_signed_copy_of_another_kind_is_refused_and_none_is_kept_unscanned(store: Store) -> None:
    device, office = store.register(), store.office
    handover = custody.handovers(office.desk.db, device.id)[0]
    with pytest.raises(BadInput, match="không phải PDF, JPG hay PNG"):
        custody.attach_signed(office.desk, office.clerk, device.id, handover.id, io.BytesIO(b"<html>"))
    with pytest.raises(Unavailable):
        custody.attach_signed(office.desk, office.clerk, device.id, handover.id, io.BytesIO(b"%PDF-1.7"))
    assert custody.handovers(office.desk.db, device.id)[0].signed_sha256 is None


# -------------------------------------------------------------------------------------------------------------- steps
def test_a_device_that_is_not_in_use_cannot_sign_and_the_page_says_why(store: Store) -> None:
    device, office = store.register(), store.office
    custody.report_lost(office.desk, office.clerk, device.id, "Rơi trên đường về xã.")
    with pytest.raises(RuleRefused, match=r"đã báo mất. Rơi trên đường về xã") as caught:
        devices.organ_key(office.desk.db, UBND.id, office.clerk)
    assert caught.value.rule == rules.STOP_AND_REVOKE
    assert "thu hồi" in caught.value.next_step
    told = notices.unread(office.desk.db, office.technician)
    assert [notice.kind for notice in told] == ["stopped"]
    assert notices.unread(office.desk.db, office.clerk) == [], "who reports it knows"


def test_a_lost_device_that_is_found_stays_locked_until_the_technician_opens_it(store: Store) -> None:
    device, office = store.register(), store.office
    custody.report_lost(office.desk, office.clerk, device.id, "Không thấy trong két.")
    assert custody.find_again(office.desk, office.clerk, device.id, "Trong ngăn kéo.").state == "locked"
    with pytest.raises(NotAllowed):
        custody.unlock(office.desk, office.clerk, device.id, "Đã kiểm tra.")
    devices.count_pin(office.desk, device.id, office.clerk, wrong=True)
    opened = custody.unlock(office.desk, office.technician, device.id, "Đã kiểm tra.")
    assert (opened.state, opened.wrong_pins, opened.state_reason) == ("in_use", 0, "")


def test_every_step_asks_for_a_reason_and_is_refused_from_the_wrong_state(store: Store) -> None:
    device, office = store.register(), store.office
    with pytest.raises(BadInput, match="lý do"):
        custody.lock(office.desk, office.technician, device.id, " ")
    with pytest.raises(WrongState, match="Đang sử dụng"):
        custody.unlock(office.desk, office.technician, device.id, "Nhầm.")
    returned = custody.give_back(office.desk, office.technician, device.id, "Biên bản 05/BB ngày 20/11/2026")
    assert (returned.state, returned.keeper_id) == ("returned", None)
    for step in (custody.lock, custody.report_lost, custody.revoke, custody.give_back):
        with pytest.raises(WrongState):
            step(office.desk, office.technician, device.id, "Muộn rồi.")


def test_a_new_device_replaces_the_one_used_until_now(store: Store) -> None:
    old, new = store.register(), store.register()
    office = store.office
    assert custody.get(office.desk, office.technician, old.id).state == "replaced"
    assert devices.organ_key(office.desk.db, UBND.id, office.clerk)[0] == new.id
    assert store.register("personal").state == "in_use", "another purpose, another holder"
    assert custody.get(office.desk, office.technician, new.id).state == "in_use"


def test_a_certificate_is_registered_once_and_never_when_it_may_not_sign(store: Store) -> None:
    device = store.register()
    with pytest.raises(BadInput, match="đã có trong sổ"):
        store.register(certificate=device.certificate)
    with pytest.raises(RuleRefused, match="đã hết hạn"):
        store.register(days=0)
    with pytest.raises(NotAllowed):
        wanted = custody.Registration("organ", UBND.id, "", store.office.clerk.account_id)
        custody.register(store.office.desk, store.office.clerk, wanted, device.key, "x")


def test_each_sees_their_own_and_technicians_all(store: Store) -> None:
    seal, own, office = store.register(), store.register("personal"), store.office
    seen = {
        name: {device.id for device in custody.listing(office.desk, actor)}
        for name, actor in (
            ("clerk", office.clerk), ("chair", office.chair), ("technician", office.technician),
            ("official", office.official), ("auditor", office.auditor), ("stranger", office.stranger),
        )
    }  # fmt: skip
    both = {seal.id, own.id}
    assert seen == {
        "clerk": {seal.id}, "chair": both, "technician": both, "official": set(), "auditor": both, "stranger": set(),
    }  # fmt: skip
    with pytest.raises(NotFound):
        custody.get(office.desk, office.stranger, seal.id)


def test_when_nobody_is_on_record_a_leader_records_the_first_handover(store: Store) -> None:
    device, office = store.register(), store.office
    office.desk.db["device"].update(device.id, {"keeper_id": None})  # as an upgrade with two clerks leaves it
    with pytest.raises(RuleRefused, match="Chưa ghi nhận ai đang giữ"):
        devices.organ_key(office.desk.db, UBND.id, office.clerk)
    handover = _hand(store, office.chair, device, office.clerk.account_id)
    assert "chưa được ghi nhận trong sổ" in _text(office.desk.blobs.read(handover.minutes_sha256 or ""))
    assert devices.organ_key(office.desk.db, UBND.id, office.clerk)[0] == device.id


def test_the_journal_tells_every_step_and_holds(store: Store, second_clerk: Actor) -> None:
    device, office = store.register(), store.office
    _hand(store, office.clerk, device, second_clerk.account_id)
    custody.lock(office.desk, office.technician, device.id, "Khóa PIN.")
    custody.revoke(office.desk, office.technician, device.id, "Công văn 12/CTS ngày 20/11/2026")
    actions = [entry["action"] for entry in custody.history(office.desk.db, device.id)]
    assert actions == ["device.register", "device.hand_over", "device.lock", "device.revoke"]
    assert audit.verify(office.desk.db) >= 4
