"""Hình chữ ký, con dấu: who replaces which picture, what is refused, what the next signature uses."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from appliance.office import looks, organs, people
from provisioning.demo import artwork
from provisioning.demo.cast import CHAIR, CLERK, TECHNICIAN, UBND
from tests.office_fixtures import Office, furnished, office  # noqa: F401
from tests.unit.test_signing_pictures import BLUE, PAPER, RED, drawn
from tests.web_fixtures import Visitor, words

SEAL = artwork.seal_png(UBND.name, "Tỉnh Hải Vân", seal_mm=35.0)


def visitor(office: Office, username: str) -> Visitor:  # noqa: F811
    found = Visitor(office)
    found.log_in(username)
    found.get("/hinh-anh/")
    return found


def png(data: bytes) -> dict[str, object]:
    return {"picture": (io.BytesIO(data), "anh.png")}


def test_the_technician_registers_a_seal_and_its_declared_size_counts(office: Office) -> None:  # noqa: F811
    technician = visitor(office, TECHNICIAN.username)
    assert "Chưa có ảnh con dấu" in words(technician.get("/hinh-anh/"))
    assert technician.post("/hinh-anh/con-dau", {**png(SEAL), "seal_mm": "36"}).status_code == 303
    page = words(technician.get("/hinh-anh/"))
    assert "Đã lưu ảnh con dấu." in page
    assert "khác số đã khai 36.0 mm" in page
    organ = organs.get(office.desk.db, UBND.id)
    assert organ.seal_mm == looks.seal_mm(office.desk, organ) == pytest.approx(35.0, abs=0.1)
    shown = technician.get("/hinh-anh/con-dau/xem")
    assert Image.open(io.BytesIO(shown.data)).mode == "RGBA"
    assert office.desk.db.execute("SELECT action FROM audit ORDER BY seq DESC").fetchone() == ("organ.seal_picture",)


def test_a_seal_without_a_known_size_is_asked_for_it(office: Office) -> None:  # noqa: F811
    clerk = visitor(office, CLERK.username)
    answer = clerk.post("/hinh-anh/con-dau", {**png(drawn(RED, (0, 0, 0, 0))), "seal_mm": ""})
    assert answer.status_code == 422
    assert "Đo đường kính con dấu" in words(answer)
    assert "không phải là số" in words(clerk.post("/hinh-anh/con-dau", {**png(SEAL), "seal_mm": "ba sáu"}))


def test_a_leader_replaces_only_their_own_signature(office: Office) -> None:  # noqa: F811
    chair = visitor(office, CHAIR.username)
    own = office.accounts[CHAIR.username]
    refused = chair.post(f"/hinh-anh/chu-ky/{own}", png(drawn(BLUE, PAPER)))
    assert "Nền của ảnh không trong suốt" in words(refused)
    assert "Xóa nền trắng" in words(refused)
    answer = chair.post(f"/hinh-anh/chu-ky/{own}", {**png(drawn(BLUE, PAPER)), "clear_white": "1"})
    assert answer.status_code == 303
    assert people.get(office.desk.db, own).signature_sha256
    other = office.accounts[CLERK.username]
    assert chair.post(f"/hinh-anh/chu-ky/{other}", png(artwork.signature_png("x"))).status_code == 404


def test_what_is_no_picture_is_said_plainly(office: Office) -> None:  # noqa: F811
    clerk = visitor(office, CLERK.username)
    assert "không phải là ảnh PNG" in words(clerk.post("/hinh-anh/con-dau", {**png(b"%PDF-1.7"), "seal_mm": "36"}))
    assert "Chưa chọn tệp ảnh" in words(clerk.post("/hinh-anh/con-dau", {"seal_mm": "36"}))
