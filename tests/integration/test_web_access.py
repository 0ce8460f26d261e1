"""Every page for every role: open to whom it should be, shut to all others, deaf to the wrong method."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from provisioning.demo.cast import AUDITOR, CHAIR, CLERK, COUNCIL_CHAIR, OFFICIAL, TECHNICIAN
from tests.office_fixtures import Office
from tests.web_fixtures import Visitor, add_annex, add_incoming, add_outgoing, make_app, words

ROLES = {
    "clerk": CLERK.username,
    "leader": CHAIR.username,
    "official": OFFICIAL.username,
    "technician": TECHNICIAN.username,
    "auditor": AUDITOR.username,
}
DESK = {"clerk", "leader", "official"}
READ = DESK | {"auditor"}
HANDS = DESK | {"technician"}
QUEUE = {"clerk", "leader", "technician", "auditor"}
BOOKS = {"clerk", "leader", "auditor"}

# page or step → who may (a device is found only by those it concerns)
# {out} is the official's draft submitted to the chair, {in} a document assigned to the official
GET = {
    "/": set(ROLES),
    "/trang-thai": set(ROLES),
    "/van-ban-di/": READ,
    "/van-ban-di/moi": DESK,
    "/van-ban-di/{out}": READ,
    "/van-ban-di/soan": DESK,
    "/van-ban-di/soan/cong-van": DESK,
    "/van-ban-di/{out}/noi-dung": DESK,
    "/van-ban-di/{out}/sua": DESK,
    "/van-ban-di/{out}/vi-tri": DESK,
    "/van-ban-di/{out}/tep": READ,
    "/van-ban-di/{out}/chu-ky": READ,
    "/van-ban-di/{out}/noi-nhan": READ,
    "/van-ban-di/{out}/phu-luc/{annex}/tep": READ,
    "/van-ban-di/{out}/thiet-bi": {"clerk", "leader"},
    "/van-ban-di/{out}/gui-them": {"clerk", "leader"},
    "/van-ban-den/yeu-cau": {"clerk", "leader", "auditor"},
    "/nhom-noi-nhan/": DESK,
    "/ma-hoa/": {"clerk", "technician"},
    "/van-ban-den/": READ,
    "/van-ban-den/{in}": READ,
    "/van-ban-den/{in}/tep/0": READ,
    "/van-ban-den/{in}/tep/0/kiem-tra": READ,
    "/van-ban-den/{in}/tep/0/kiem-tra.pdf": READ,
    "/van-ban-di/{out}/phu-luc/{annex}/kiem-tra": READ,
    "/van-ban-di/{out}/phu-luc/{annex}/kiem-tra.pdf": READ,
    "/van-ban-di/{out}/kiem-tra": READ,
    "/van-ban-di/{out}/kiem-tra.pdf": READ,
    "/kiem-tra-chu-ky": set(ROLES),
    "/cach-ly": {"clerk", "technician", "auditor"},
    "/cach-ly/goc": {"technician"},
    "/usb/": {"clerk", "technician"},
    "/hang-doi/": QUEUE,
    "/hang-doi/bang": QUEUE,
    "/so/van-ban-di": BOOKS,
    "/so/van-ban-den": BOOKS,
    "/thong-ke/": BOOKS,
    "/thong-ke/bang-tinh.csv": BOOKS,
    "/thong-ke/ban-in.pdf": BOOKS,
    "/nhat-ky/": {"auditor", "technician"},
    "/nhat-ky/kiem-chuoi": {"auditor", "technician"},
    "/he-thong/": {"technician"},
    "/he-thong/tin-cay/": {"technician"},
    "/he-thong/tin-cay/{print}/bo": {"technician"},
    "/ban-sao/moi": {"clerk"},
    "/hinh-anh/": {"clerk", "leader", "technician"},
    "/hinh-anh/con-dau/xem": {"clerk", "leader", "technician"},
    "/hinh-anh/chu-ky/{leader}/xem": {"leader", "technician"},
    "/nhac-viec/": set(ROLES),
    "/thiet-bi/": set(ROLES),
    "/thiet-bi/dang-ky/": {"technician"},
    "/thiet-bi/{dev}": set(ROLES),
    "/thiet-bi/{dev}/ban-giao/{hand}/bien-ban": set(ROLES),
    "/thiet-bi/{dev}/ban-giao/{hand}/ban-ky": set(ROLES),
    "/thiet-bi/{dev}/thu-hoi/": DESK,
    "/thiet-bi/{dev}/thu-hoi/{ask}/giay": set(ROLES),
}
POST = {
    "/usb/giao": {"clerk", "technician"},
    "/usb/nhan": {"clerk", "technician"},
    "/usb/chung-thu": {"technician"},
    "/van-ban-di/moi": DESK,
    "/van-ban-di/soan/cong-van": DESK,
    "/van-ban-di/soan/cong-van/xem-thu": DESK,
    "/van-ban-di/{out}/noi-dung": DESK,
    "/van-ban-di/{out}/sua": DESK,
    "/van-ban-di/{out}/vi-tri": DESK,
    "/van-ban-di/{out}/vi-tri/quen": DESK,
    "/van-ban-di/{out}/phu-luc": DESK,
    "/van-ban-di/{out}/phu-luc/{annex}/len": DESK,
    "/van-ban-di/{out}/phu-luc/{annex}/bo": DESK,
    "/van-ban-di/{out}/trinh": DESK,
    "/van-ban-di/{out}/rut": DESK,
    "/van-ban-di/{out}/ky": {"leader"},
    "/van-ban-di/{out}/ban-da-ky": DESK,
    "/van-ban-di/{out}/tra-lai": {"leader"},
    "/van-ban-di/{out}/loi-the-thuc": {"clerk"},
    "/van-ban-di/{out}/dong-dau": {"clerk"},
    "/van-ban-di/{out}/ky-lai": {"clerk"},
    "/van-ban-di/{out}/phat-hanh": {"clerk"},
    "/van-ban-den/{in}/lay-lai": {"clerk"},
    "/nhom-noi-nhan/": {"clerk"},
    "/ma-hoa/": {"clerk", "technician"},
    "/ma-hoa/bo": {"clerk", "technician"},
    "/van-ban-den/{in}/mo-tep": {"clerk"},
    "/nhom-noi-nhan/{group}/bo": {"clerk"},
    "/van-ban-di/{out}/thu-hoi": {"clerk", "leader"},
    "/van-ban-di/{out}/gui-them": {"clerk", "leader"},
    "/van-ban-di/{out}/lien-quan": DESK,
    "/ban-sao/moi": {"clerk"},
    "/van-ban-di/{out}/ky-ban-sao": {"clerk"},
    "/hinh-anh/con-dau": {"clerk", "technician"},
    "/hinh-anh/chu-ky/{leader}": {"leader", "technician"},
    "/van-ban-di/{out}/bang-chung": BOOKS,
    "/van-ban-den/{in}/bang-chung": BOOKS,
    "/van-ban-den/{in}/tiep-nhan": {"clerk"},
    "/van-ban-den/{in}/da-xem-ket-qua": {"clerk"},
    "/van-ban-di/{out}/da-xem-ket-qua": {"clerk"},
    "/kiem-tra-chu-ky": set(ROLES),
    "/he-thong/tin-cay/": {"technician"},
    "/he-thong/tin-cay/{print}/bo": {"technician"},
    "/van-ban-den/{in}/tu-choi": {"clerk"},
    "/van-ban-den/{in}/phan-cong": {"leader"},
    "/van-ban-den/{in}/bat-dau": DESK,
    "/van-ban-den/{in}/hoan-thanh": DESK,
    "/cach-ly/doc-lai": {"clerk", "technician"},
    "/hang-doi/ket-noi/noi-lai": {"technician"},
    "/nhac-viec/{told}/da-doc": set(ROLES),
    "/thiet-bi/dang-ky/": {"technician"},
    "/thiet-bi/{dev}/buoc/khong-co": HANDS,
    "/thiet-bi/{dev}/ban-giao": HANDS,
    "/thiet-bi/{dev}/ban-giao/{hand}/ban-ky": HANDS,
    "/thiet-bi/{dev}/thu-hoi/": DESK,
}
NOT_THEIRS = "Trang này không thuộc phần việc của bạn."


@pytest.fixture
def app(office: Office) -> Flask:
    return make_app(office)


@pytest.fixture
def ids(office: Office) -> dict[str, str]:
    out = add_outgoing(office, "submitted")
    return {
        "out": out,
        "annex": add_annex(office, out),
        "leader": office.accounts[CHAIR.username],
        "dev": "khong-co",
        "hand": "khong-co",
        "ask": "khong-co",
        "told": "khong-co",
        "print": "khong-co",
        "group": "khong-co",
        "in": add_incoming(office, "assigned", assignee_id=office.accounts[OFFICIAL.username]),
    }


def _views(app: Flask) -> Iterator[tuple[str, str, object]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in (rule.methods or set()) & {"GET", "POST"}:
                yield rule.rule, method, app.view_functions[rule.endpoint]


def test_every_view_says_who_may_open_it(app: Flask) -> None:
    unmarked = [path for path, _, view in _views(app) if not hasattr(view, "tram_roles")]
    assert unmarked == []


def test_the_tables_here_name_every_view(app: Flask) -> None:
    def shape(path: str) -> str:
        path = path.replace("<annex_id>", "{annex}").replace("<account_id>", "{leader}")
        path = path.replace("<group_id>", "{group}")
        for name, mark in (("device", "dev"), ("handover", "hand"), ("request", "ask"), ("notice", "told")):
            path = path.replace(f"<{name}_id>", "{" + mark + "}")
        path = path.replace("<step>", "khong-co").replace("<type_code>", "cong-van").replace("<fingerprint>", "{print}")
        return path.replace("<document_id>", "{out}" if "/van-ban-di" in path else "{in}").replace(
            "<int:position>", "0"
        )

    elsewhere = {"/dang-nhap", "/dang-xuat", "/co-quan"}
    known = {(path, "GET") for path in GET} | {(path, "POST") for path in POST}
    # tests/integration/test_queue_pages.py, test_courier.py
    one_by_one = ("/hang-doi/<message_id>", "/usb/<courier_id>")
    found = {
        (shape(path), method)
        for path, method, _ in _views(app)
        if path not in elsewhere and not path.startswith(one_by_one)
    }
    assert found == known


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_its_pages_and_no_others(office: Office, app: Flask, ids: dict[str, str], role: str) -> None:
    visitor = Visitor(office, app)
    visitor.log_in(ROLES[role])
    wrong = []
    for path, roles in GET.items():
        answer = visitor.get(path.format(**ids))
        refused = answer.status_code == 403 and NOT_THEIRS in answer.text
        if refused == (role in roles) or answer.status_code >= 500:
            wrong.append((path, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_each_role_takes_its_steps_and_no_others(office: Office, app: Flask, ids: dict[str, str], role: str) -> None:
    visitor = Visitor(office, app)
    visitor.log_in(ROLES[role])
    visitor.get("/khong-co")
    wrong = []
    for path, roles in POST.items():
        answer = visitor.post(path.format(**ids))
        refused = answer.status_code == 403 and NOT_THEIRS in answer.text
        if refused == (role in roles):
            wrong.append((path, answer.status_code))
    assert wrong == []


def test_nobody_sees_anything_without_logging_in(office: Office, app: Flask, ids: dict[str, str]) -> None:
    visitor = Visitor(office, app)
    for path in GET:
        assert visitor.get(path.format(**ids)).location.startswith("/dang-nhap"), path
    for path in POST:
        assert visitor.post(path.format(**ids)).location.startswith("/dang-nhap"), path
    assert office.desk.db.execute("SELECT state FROM outgoing").fetchone()[0] == "submitted"


def test_the_wrong_method_is_refused_in_vietnamese(office: Office, app: Flask, ids: dict[str, str]) -> None:
    visitor = Visitor(office, app)
    visitor.log_in(CHAIR.username)
    for path in set(POST) - set(GET):
        answer = visitor.get(path.format(**ids))
        assert answer.status_code == 405, path
    assert "Trang này không nhận thao tác đó." in words(answer)
    for path in set(GET) - set(POST):
        assert visitor.post(path.format(**ids)).status_code == 405, path


def test_a_leader_of_another_organ_finds_nothing(office: Office, app: Flask, ids: dict[str, str]) -> None:
    visitor = Visitor(office, app)
    visitor.log_in(COUNCIL_CHAIR.username)
    for path in GET:
        if "{" in path and not path.startswith("/he-thong/"):  # the box's own, of no organ
            assert visitor.get(path.format(**ids)).status_code == 404, path
    for path in POST:
        if "{" in path:
            assert visitor.post(path.format(**ids)).status_code in (403, 404), path
    assert "Về việc thử trang" not in visitor.get("/van-ban-di/").text


def test_an_official_does_not_see_a_colleagues_draft(office: Office, app: Flask) -> None:
    draft = add_outgoing(office, "drafting", drafter_id=office.accounts[CLERK.username])
    visitor = Visitor(office, app)
    visitor.log_in(OFFICIAL.username)
    assert visitor.get(f"/van-ban-di/{draft}").status_code == 404
    assert visitor.get(f"/van-ban-di/{draft}/tep").status_code == 404
