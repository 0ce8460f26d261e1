"""Custody of signing devices as data: when to warn, why a certificate is revoked, to whom the request goes.

Sources: QĐ 15/2019/QĐ-UBND articles 5 and 26.8; the cases of khoản 1 Điều 18 TT 08/2016/TT-BQP, which TT
185/2019/TT-BQP replaced on 18/02/2020, today Điều 17 NĐ 68/2024/NĐ-CP.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import N_

WARN_DAYS: tuple[int, ...] = (60, 30, 14, 7, 1)
"""Days before a certificate ends at which people are told."""

LEGAL_BASIS = (
    "Căn cứ khoản 8 Điều 26 Quy chế ban hành kèm theo Quyết định số 15/2019/QĐ-UBND ngày 05 tháng 8 năm 2019 "
    "của Ủy ban nhân dân tỉnh Bạc Liêu;",
    "Căn cứ Điều 17 Nghị định số 68/2024/NĐ-CP ngày 25 tháng 6 năm 2024 của Chính phủ quy định về chữ ký số "
    "chuyên dùng công vụ;",
)
"""What the request cites; the form lets people see it before the document is made."""


@dataclass(frozen=True)
class RevocationReason:
    """One case in which revocation is asked for.

    ``state``: where the device goes at once; ``urgency``: the urgency the document starts with (edXML priority).
    """

    code: str
    words: str
    source: str
    state: str
    urgency: int


_DECREE = "Điều 17 NĐ 68/2024/NĐ-CP; khoản 1 Điều 18 TT 08/2016/TT-BQP"

REVOCATION_REASONS: dict[str, RevocationReason] = {
    reason.code: reason
    for reason in (
        RevocationReason("lost", N_("Thiết bị bị mất, thất lạc"), _DECREE, "lost", 2),
        RevocationReason("stolen", N_("Thiết bị bị lấy cắp"), _DECREE, "lost", 2),
        RevocationReason("exposed", N_("Khóa bí mật bị lộ hoặc nghi bị lộ"), _DECREE, "locked", 2),
        RevocationReason("damaged", N_("Thiết bị bị hỏng, không sử dụng được"), _DECREE, "locked", 1),
        RevocationReason(
            "moved", N_("Người được cấp chuyển công tác, nghỉ hưu, thôi việc, từ trần"), _DECREE, "locked", 1
        ),
        RevocationReason("renamed", N_("Cơ quan đổi tên, sáp nhập, hợp nhất, giải thể"), _DECREE, "locked", 1),
    )
}

USUAL_ADDRESSEES = ("Sở Văn hóa, Thông tin", "Sở Khoa học và Công nghệ", "Cục Chứng thực số")
"""Beginnings of names looked for in the address book: article 26.8 names the first, which has handed this work on."""
