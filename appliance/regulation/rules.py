"""The law as named rules: an id, the article it comes from, and the sentence a person is shown.

Versioned data: a rule belongs to a rule set with dates, so that another province's or a later regulation is a new
entry here, not a change of code elsewhere. ``BL-2019`` is QĐ 15/2019/QĐ-UBND (Bạc Liêu) over QĐ 28/2018/QĐ-TTg and
NĐ 30/2020/NĐ-CP. A document keeps the rule set under which it was issued.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.errors import N_, RuleRefused


@dataclass(frozen=True)
class Rule:
    """One rule: ``article`` as people cite it, ``text`` what it asks."""

    id: str
    article: str
    text: str


NO_SECRETS = Rule(
    "no-secrets",
    N_("Điều 1 khoản 1 điểm b và Điều 8, QĐ 15/2019/QĐ-UBND"),
    N_("Văn bản có nội dung bí mật nhà nước không được đưa vào hệ thống."),
)
ENCRYPTION = Rule(
    "encryption",
    N_("Điều 15, QĐ 15/2019/QĐ-UBND"),
    N_("Tùy tính chất, nội dung, cơ quan có thể mã hóa văn bản điện tử theo quy định của pháp luật về mật mã."),
)
STATISTICS = Rule(
    "statistics",
    N_("Điều 17, QĐ 15/2019/QĐ-UBND"),
    N_("Tình hình, kết quả gửi, nhận văn bản điện tử được tổng hợp, trích xuất tự động trên các hệ thống."),
)
TWO_SIGNATURES = Rule(
    "two-signatures",
    N_("Điều 12 khoản 1, QĐ 15/2019/QĐ-UBND"),
    N_("Văn bản phát hành phải có chữ ký số của người có thẩm quyền, rồi chữ ký số của cơ quan."),
)
SAME_DAY = Rule(
    "same-day",
    N_("Điều 12 khoản 2, QĐ 15/2019/QĐ-UBND"),
    N_("Ngày ký số của cá nhân và của cơ quan phải đúng ngày ban hành văn bản."),
)
CLERK_SEALS = Rule(
    "clerk-seals",
    N_("Điều 5 khoản 2 và Điều 12 khoản 1 điểm c, QĐ 15/2019/QĐ-UBND"),
    N_("Văn thư lấy số và dùng khóa của cơ quan ký lên văn bản đã được người có thẩm quyền ký."),
)
OWN_TOKEN = Rule(
    "own-token",
    N_("Điều 5 khoản 3, QĐ 15/2019/QĐ-UBND"),
    N_("Thiết bị lưu khóa bí mật của cá nhân do chính người đó giữ và sử dụng."),
)
SEAL_KEEPER = Rule(
    "seal-keeper",
    N_("Điều 5 khoản 2, QĐ 15/2019/QĐ-UBND"),
    N_(
        "Thiết bị của cơ quan được giao văn thư quản lý, sử dụng và bảo quản như con dấu; "
        "thay đổi người quản lý phải lập biên bản bàn giao."
    ),
)
PERSONAL_KEEPER = Rule(
    "personal-keeper",
    N_("Điều 5 khoản 3, QĐ 15/2019/QĐ-UBND"),
    N_(
        "Thiết bị của cá nhân do cá nhân đó giữ; giao cho văn thư phải được quy định trong quy chế "
        "công tác văn thư lưu trữ của cơ quan."
    ),
)
STOP_AND_REVOKE = Rule(
    "stop-and-revoke",
    N_("Điều 26 khoản 8, QĐ 15/2019/QĐ-UBND"),
    N_("Thông báo kịp thời để thu hồi chứng thư số khi thiết bị mất, hỏng, lộ khóa hoặc người giữ thay đổi công tác."),
)
SCAN_FIRST = Rule(
    "scan-first",
    N_("Điều 19 khoản 1, QĐ 15/2019/QĐ-UBND"),
    N_("Văn bản điện tử phải được quét mã độc trước khi phát hành."),
)
TRUSTED_CLOCK = Rule(
    "trusted-clock",
    N_("Điều 12 khoản 2, Điều 13 khoản 4 và Điều 20 khoản 4, QĐ 15/2019/QĐ-UBND"),
    N_("Thời gian ký phải đúng giờ Việt Nam và đồng bộ với trục liên thông."),
)
SEND_BY = Rule(
    "send-by",
    N_("Điều 10 khoản 2, QĐ 15/2019/QĐ-UBND"),
    N_(
        "Gửi ngay trong ngày ký ban hành, chậm nhất là buổi sáng ngày làm việc tiếp theo; "
        "văn bản khẩn gửi ngay sau khi ký số."
    ),
)
REFUSAL_REASON = Rule(
    "refusal-reason",
    N_("Điều 5 khoản 4, QĐ 28/2018/QĐ-TTg"),
    N_("Từ chối tiếp nhận phải phản hồi kịp thời, nêu rõ lý do."),
)
FIELD_LIMITS = Rule(
    "field-limits",
    N_("Phụ lục VI, NĐ 30/2020/NĐ-CP; QCVN 102:2016/BTTTT"),
    N_("Thông tin đầu vào của văn bản có độ dài quy định."),
)
UNIQUE_NUMBER = Rule(
    "unique-number",
    N_("Điều 15 và Phụ lục I, NĐ 30/2020/NĐ-CP"),
    N_("Số văn bản lấy theo thứ tự, duy nhất trong một năm, không nhảy số."),
)
ANNEX_SEALED = Rule(
    "annex-sealed",
    N_("Điều 6 khoản 2 điểm b, QĐ 15/2019/QĐ-UBND"),
    N_("Tài liệu đi kèm không cùng tệp với văn bản chính phải được ký số bởi khóa bí mật con dấu."),
)
LEGAL_VALUE = Rule(
    "legal-value",
    N_("Điều 3, QĐ 15/2019/QĐ-UBND"),
    N_("Văn bản ký số hợp lệ có giá trị như văn bản giấy; văn bản khác chỉ để biết, tham khảo."),
)

RULE_SETS: dict[str, tuple[str, str | None]] = {"BL-2019": ("2019-08-17", None)}
"""Rule set → (valid from, valid to)."""

SUBJECT_MAX = 500
REASON_MAX = 500


def refuse(rule: Rule, message: str, next_step: str, **params: Any) -> RuleRefused:
    """The exception that stops a person by ``rule``, with what to do next."""
    return RuleRefused(message, rule=rule, next_step=next_step, **params)


def require_no_secret(confirmed: bool) -> None:
    """Raises RuleRefused unless the drafter has confirmed that the document holds no state secret."""
    if not confirmed:
        raise refuse(
            NO_SECRETS,
            N_("Chưa xác nhận văn bản không chứa bí mật nhà nước."),
            N_(
                "Nếu văn bản có độ mật: không tải lên, xử lý theo quy định về bí mật nhà nước. Nếu không:"
                " đánh dấu xác nhận."
            ),
        )
