"""What the box watches by itself: certificates about to end, and certificates on a revocation list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from appliance.errors import NotFound
from appliance.office import custody, notices
from appliance.office.devices import Device
from provisioning.demo.cast import CHAIR
from tests.custody_fixtures import Store


def _days_before_the_end(store: Store, device: Device, days: int) -> None:
    """Turn the clock to noon of the day that many days before the last."""
    end = device.facts.valid_to
    store.clock.time = (end - timedelta(days=days)).replace(hour=0, minute=5, second=0, microsecond=0)


def _marks(store: Store) -> list[str]:
    return [row["mark"] for row in store.office.desk.db.query("SELECT DISTINCT mark FROM notice ORDER BY rowid")]


def test_keeper_clerk_and_technician_are_told_at_each_threshold_once(store: Store) -> None:
    device, desk = store.register(days=100), store.office.desk
    told = {}
    for days in range(70, -1, -1):
        _days_before_the_end(store, device, days)
        new = [custody.warn_of_expiry(desk) for _ in range(3)]
        assert new[1:] == [0, 0], "safe to repeat"
        if new[0]:
            told[days] = new[0]
    assert told == {60: 2, 30: 2, 14: 2, 7: 2, 1: 2}
    assert _marks(store) == ["60", "30", "14", "7", "1"]
    notice = notices.unread(desk.db, store.office.clerk)[0]
    assert device.token_serial in notice.text
    assert "còn 1 ngày" in notice.text


def test_the_holder_of_a_personal_device_is_told_too(store: Store) -> None:
    device = store.register("personal", days=59)
    assert custody.warn_of_expiry(store.office.desk) == 3
    assert notices.unread(store.office.desk.db, store.office.chair)[0].subject_id == device.id
    assert CHAIR.full_name in notices.unread(store.office.desk.db, store.office.chair)[0].text
    assert notices.unread(store.office.desk.db, store.office.official) == []


def test_a_box_that_was_off_on_the_day_tells_at_the_next_run_by_the_nearest_threshold(store: Store) -> None:
    device, desk = store.register(days=100), store.office.desk
    _days_before_the_end(store, device, 61)
    assert custody.warn_of_expiry(desk) == 0
    _days_before_the_end(store, device, 12)  # off for seven weeks: 60, 30 and 14 have passed
    assert custody.warn_of_expiry(desk) == 2
    assert _marks(store) == ["14"]


def test_after_the_end_it_is_said_once_more_that_nobody_can_sign(store: Store) -> None:
    device, desk = store.register(days=100), store.office.desk
    _days_before_the_end(store, device, -3)
    assert custody.warn_of_expiry(desk) == 2
    assert custody.warn_of_expiry(desk) == 0
    assert "đã hết hạn" in notices.unread(desk.db, store.office.clerk)[0].text


def test_a_clock_known_to_run_backwards_tells_nothing(store: Store) -> None:
    from appliance import clock
    from appliance.store.database import transaction

    store.register(days=20)
    with transaction(store.office.desk.db):
        clock.raise_floor(store.office.desk.db, store.clock.now() + timedelta(days=400))
    assert custody.warn_of_expiry(store.office.desk) == 0


def test_a_device_out_of_use_is_not_warned_about(store: Store) -> None:
    device, office = store.register(days=20), store.office
    custody.give_back(office.desk, office.technician, device.id, "Biên bản 05/BB")
    assert custody.warn_of_expiry(office.desk) == 0


def test_a_certificate_on_the_list_stops_its_device_and_tells_people(store: Store) -> None:
    device, other, office = store.register(), store.register("personal"), store.office
    assert custody.find_revoked(office.desk) == 0
    store.authority.revoke(x509.load_der_x509_certificate(device.certificate))
    store.turn(minutes=5)
    store.look_again()
    assert custody.find_revoked(office.desk) == 1
    assert custody.find_revoked(office.desk) == 0
    seen = custody.get(office.desk, office.technician, device.id)
    assert seen.state == "revoked"
    assert "thu hồi" in seen.state_reason
    assert custody.get(office.desk, office.technician, other.id).state == "in_use"
    assert "danh sách thu hồi" in notices.unread(office.desk.db, office.clerk)[0].text


def test_a_notice_is_read_by_its_own_person_only(store: Store) -> None:
    store.register(days=20)
    desk, office = store.office.desk, store.office
    custody.warn_of_expiry(desk)
    notice = notices.unread(desk.db, office.clerk)[0]
    with pytest.raises(NotFound):
        notices.mark_read(desk, office.technician, notice.id)
    notices.mark_read(desk, office.clerk, notice.id)
    notices.mark_read(desk, office.clerk, notice.id)
    assert notices.unread(desk.db, office.clerk) == []
    assert len(notices.unread(desk.db, office.technician)) == 1
