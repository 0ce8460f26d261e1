"""A served office with one document in every state, and the pages to look at as each person."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from waitress.server import create_server

from appliance.config import Settings
from appliance.office import custody
from appliance.signing.trust import TrustStore
from appliance.store.database import transaction
from appliance.store.text import uuid7
from provisioning.box import make_desk
from provisioning.demo.cast import AUDITOR, CHAIR, CLERK, OFFICIAL, TECHNICIAN
from provisioning.demo.pki import Authority
from tests.custody_fixtures import Store, TurnedClock
from tests.office_fixtures import Office
from tests.web_fixtures import add_annex, add_incoming, add_outgoing, make_app

LONG = (
    "Về việc triển khai Quyết định số 15/2019/QĐ-UBND ngày 05 tháng 8 năm 2019 ban hành Quy chế tiếp nhận, xử lý, "
    "phát hành và quản lý văn bản điện tử sử dụng chữ ký số; "
    "Kếhoạchkiểmtracôngtácphòngcháychữacháyvàcứunạncứuhộtrênđịabànxãnăm2026khôngcókhoảngtrắng"
)


@dataclass
class Place:
    """A served office with one document in every state."""

    office: Office
    base: str
    outgoing: dict[str, str]
    incoming: dict[str, str]
    message: str
    devices: dict[str, str]
    closed: str
    """An incoming document whose file is encrypted."""


@pytest.fixture(scope="module")
def place(
    furnished: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory, custody_authority: Authority
) -> Iterator[Place]:
    data, accounts = furnished
    folder = tmp_path_factory.mktemp("pages") / "box"
    shutil.copytree(data, folder)
    settings = Settings(data=folder, chronyc=False)
    office = Office(make_desk(settings), accounts)
    outgoing = {
        state: add_outgoing(office, state, subject=LONG, reason="Bổ sung căn cứ." if state == "returned" else "")
        for state in ("drafting", "returned", "submitted", "signed", "numbered", "sealed", "issued", "withdrawn")
    }
    for name in ("Phụ lục I.pdf", f"{LONG[:140]}.pdf"):
        add_annex(office, outgoing["drafting"], name)
    yesterday = (office.desk.clock.now() - timedelta(days=1)).isoformat()
    outgoing["yesterday"] = add_outgoing(office, "signed", signed_at=yesterday, urgency=3)
    task = {"assignee_id": accounts[OFFICIAL.username], "instruction": LONG, "task_due": "2026-01-02"}
    given = ("assigned", "in_progress", "done")
    incoming = {
        state: add_incoming(office, state, subject=LONG, **(task if state in given else {}))
        for state in ("arrived", "accepted", "assigned", "in_progress", "done", "refused")
    }
    message = _queued(office, outgoing["issued"])
    with ThreadPoolExecutor(1) as apart:  # judging a certificate needs a thread without the driver's event loop
        devices = apart.submit(_devices, settings, accounts, custody_authority).result()
    closed = add_incoming(office, "arrived", subject=LONG)
    office.desk.db.execute("UPDATE incoming_file SET name = name || '.p7m' WHERE incoming_id = ?", [closed])
    server = create_server(make_app(office), listen="127.0.0.1:0", threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    yield Place(office, f"http://localhost:{server.effective_port}", outgoing, incoming, message, devices, closed)
    server.close()


def _devices(settings: Settings, accounts: dict[str, str], authority: Authority) -> dict[str, str]:
    """A lost personal device, and a seal handed over whose certificate ends soon."""
    office = Office(make_desk(settings), accounts)
    office.desk.trust = TrustStore(authority.trust)
    store = Store(office, authority, TurnedClock(office.desk.settings, office.desk.clock.now()))
    lost, seal = store.register("personal").id, store.register(days=20).id
    custody.report_lost(office.desk, office.chair, lost, LONG)
    form = custody.HandoverForm(office.accounts[CLERK.username], reason=LONG[:200], condition="Tốt")
    office.desk.db["device"].update(seal, {"keeper_id": None})
    custody.hand_over(office.desk, office.chair, seal, form)
    custody.warn_of_expiry(office.desk)
    office.desk.db.close()
    return {"lost": lost, "seal": seal}


def _queued(office: Office, outgoing_id: str) -> str:
    now, message = office.desk.clock.now(), uuid7()
    row = {
        "id": message, "kind": "edoc", "organ_id": "ubnd-hoa-binh", "outgoing_id": outgoing_id, "title": LONG,
        "priority": 2, "sha256": "0" * 64, "size": 4096, "state": "waiting",
        "queued_at": now.isoformat(), "attempts": 3,
        "due_latest": (now - timedelta(hours=1)).isoformat(), "last_error": "Không nối được tới trục liên thông.",
        "next_at": now.isoformat(),
    }  # fmt: skip
    with transaction(office.desk.db):
        office.desk.db["message"].insert(row)
        office.desk.db["message_recipient"].insert(
            {"message_id": message, "code": "H99.01", "name": "Văn phòng UBND tỉnh"}
        )
        office.desk.db["attempt"].insert(
            {"message_id": message, "started_at": now.isoformat(), "error": "Hết giờ chờ."}
        )
        office.desk.db["inbox"].insert(
            {"bus_doc_id": uuid7(), "kind": "edoc", "seq": 9999, "sha256": "0" * 64, "size": 1, "state": "quarantined",
             "reason": "Gói tin không phải XML đúng dạng.", "received_at": now.isoformat()}
        )  # fmt: skip
    return message


def pages(place: Place) -> dict[str, list[str]]:
    """The paths to look at, by who looks."""
    out = {state: f"/van-ban-di/{one}" for state, one in place.outgoing.items()}
    come = {state: f"/van-ban-den/{one}" for state, one in place.incoming.items()}
    clerk_states = ("signed", "numbered", "sealed", "issued", "withdrawn", "yesterday")
    return {
        CLERK.username: [
            "/", "/van-ban-di/", "/van-ban-di/?tim=khongco", "/van-ban-di/moi", *(out[state] for state in clerk_states),
            f"{out['drafting']}/vi-tri", "/van-ban-den/", come["arrived"], come["refused"], "/hang-doi/",
            f"/hang-doi/{place.message}", "/so/van-ban-di?nam=2026", "/so/van-ban-den?nam=2026", "/cach-ly",
            out["drafting"], "/ban-sao/moi", "/hinh-anh/",
            "/khong-co", "/kiem-tra-chu-ky", f"{come['arrived']}/tep/0/kiem-tra", f"{out['issued']}/kiem-tra",
            "/he-thong/", "/thiet-bi/", "/nhac-viec/", f"/thiet-bi/{place.devices['seal']}",
            f"/thiet-bi/{place.devices['seal']}/thu-hoi/", "/van-ban-di/soan", "/van-ban-di/soan/cong-van",
            f"/hang-doi/{place.message}/sua", f"{out['issued']}/gui-them", "/van-ban-den/yeu-cau",
            "/nhom-noi-nhan/", "/thong-ke/", "/usb/", "/ma-hoa/", f"/van-ban-den/{place.closed}",
        ],
        CHAIR.username: [
            "/", out["submitted"], come["accepted"], come["done"], f"/thiet-bi/{place.devices['lost']}",
            f"/thiet-bi/{place.devices['lost']}/thu-hoi/",
        ],
        OFFICIAL.username: ["/", out["returned"], f"{out['returned']}/sua", come["assigned"], come["in_progress"]],
        TECHNICIAN.username: [
            "/he-thong/", "/he-thong/tin-cay/", "/hinh-anh/", "/thiet-bi/", "/thiet-bi/dang-ky/",
            "/thiet-bi/?trang-thai=returned", "/usb/", "/ma-hoa/",
        ],
        AUDITOR.username: ["/nhat-ky/", "/"],
    }  # fmt: skip
