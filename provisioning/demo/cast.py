"""The demo's cast: a commune that does not exist, in a province that does not exist (code H99)."""

from __future__ import annotations

from dataclasses import dataclass

PROVINCE = "Hải Vân"
COMMUNE = "Hòa Bình"
CODES_SINCE = "2025-07-01"


@dataclass(frozen=True)
class DemoOrgan:
    """An organ with its codes in both schemes; ``local`` ones live on the box, others are played on the bus's page."""

    id: str
    name: str
    abbreviation: str
    place: str
    code: str
    old_code: str
    local: bool = False


@dataclass(frozen=True)
class DemoPerson:
    """A person of the commune with a role in each organ."""

    username: str
    full_name: str
    position: str
    roles: tuple[tuple[str, str], ...]


ORGANS = (
    DemoOrgan("ubnd-hoa-binh", "Ủy ban nhân dân xã Hòa Bình", "UBND", COMMUNE, "H99.21", "000.00.21.H99", local=True),
    DemoOrgan(
        "hdnd-hoa-binh", "Hội đồng nhân dân xã Hòa Bình", "HĐND", COMMUNE, "H99.21.1", "000.01.21.H99", local=True
    ),
    DemoOrgan("vp-ubnd-tinh", "Văn phòng Ủy ban nhân dân tỉnh Hải Vân", "VP", PROVINCE, "H99.01", "000.00.01.H99"),
    DemoOrgan("so-noi-vu", "Sở Nội vụ tỉnh Hải Vân", "SNV", PROVINCE, "H99.05", "000.00.05.H99"),
    DemoOrgan("ubnd-dong-hai", "Ủy ban nhân dân xã Đông Hải", "UBND", "Đông Hải", "H99.22", "000.00.22.H99"),
)

UBND = ORGANS[0]
PROVINCE_OFFICE = ORGANS[2]

CLERK = DemoPerson(
    "vanthu",
    "Nguyễn Thị Ngọc Trâm",
    "Công chức Văn phòng - Thống kê",
    (("ubnd-hoa-binh", "clerk"), ("hdnd-hoa-binh", "clerk")),
)
CHAIR = DemoPerson("chutich", "Trần Văn Thạnh", "CHỦ TỊCH", (("ubnd-hoa-binh", "leader"),))
COUNCIL_CHAIR = DemoPerson("chutichhdnd", "Đặng Hữu Phước", "CHỦ TỊCH", (("hdnd-hoa-binh", "leader"),))
OFFICIAL = DemoPerson("congchuc", "Lê Thị Mỹ Duyên", "Công chức Văn hóa - Xã hội", (("ubnd-hoa-binh", "official"),))
TECHNICIAN = DemoPerson(
    "kythuat", "Phạm Quốc Huy", "Kỹ thuật viên", (("ubnd-hoa-binh", "technician"), ("hdnd-hoa-binh", "technician"))
)
AUDITOR = DemoPerson("kiemtra", "Võ Minh Tâm", "Cán bộ kiểm tra", (("ubnd-hoa-binh", "auditor"),))

PEOPLE = (CLERK, CHAIR, COUNCIL_CHAIR, OFFICIAL, TECHNICIAN, AUDITOR)
