"""Field lengths: refused outbound with a sentence the clerk can act on, only noted inbound."""

from __future__ import annotations

from appliance.errors import N_, BadInput
from sync.edxml.names import FIELD_LIMITS

_LABELS: dict[str, str] = {
    "OrganId": N_("Mã định danh cơ quan"),
    "OrganName": N_("Tên cơ quan"),
    "OrganizationInCharge": N_("Cơ quan chủ quản"),
    "OrganAdd": N_("Địa chỉ cơ quan"),
    "Email": N_("Thư điện tử"),
    "Telephone": N_("Số điện thoại"),
    "Fax": N_("Số fax"),
    "DocumentId": N_("Mã định danh văn bản"),
    "CodeNumber": N_("Số của văn bản"),
    "CodeNotation": N_("Ký hiệu của văn bản"),
    "Place": N_("Địa danh"),
    "ToPlace": N_("Nơi nhận không qua trục"),
    "PromulgationDate": N_("Ngày ban hành"),
    "TypeName": N_("Tên loại văn bản"),
    "Subject": N_("Trích yếu"),
    "Content": N_("Nội dung"),
    "SphereOfPromulgation": N_("Phạm vi phổ biến"),
    "TyperNotation": N_("Ký hiệu người soạn thảo"),
    "Competence": N_("Quyền hạn của người ký"),
    "Position": N_("Chức vụ của người ký"),
    "FullName": N_("Họ và tên người ký"),
    "Department": N_("Tên bộ phận"),
    "Staff": N_("Tên người xử lý"),
    "StatusCode": N_("Mã trạng thái"),
    "Description": N_("Nội dung trạng thái"),
    "AttachmentName": N_("Tên tệp đính kèm"),
}
_REQUIRED = {
    *("OrganId", "OrganName", "DocumentId", "CodeNumber", "CodeNotation"),
    *("PromulgationDate", "Subject", "StatusCode"),
}
"""Fields without which known buses refuse the package."""


def label(field: str) -> str:
    """The Vietnamese name of a field."""
    return _LABELS.get(field, field)


def check(field: str, value: str) -> str:
    """``value`` when it may go out. Raises BadInput when a required field is empty or a text is too long."""
    if not value and field in _REQUIRED:
        raise BadInput(
            N_("Gói tin chưa gửi được: thiếu “%(field)s”."),
            next_step=N_("Bổ sung thông tin còn thiếu rồi phát hành lại."),
            field=label(field),
        )
    limit = FIELD_LIMITS.get(field)
    if limit and len(value) > limit:
        raise BadInput(
            N_("“%(field)s” dài %(length)s ký tự, vượt giới hạn %(limit)s ký tự của gói tin edXML."),
            next_step=N_("Rút gọn nội dung rồi làm lại."),
            field=label(field),
            length=len(value),
            limit=limit,
        )
    return value


def too_long(field: str, value: str) -> str | None:
    """A warning about an inbound field over its length, or None."""
    limit = FIELD_LIMITS.get(field)
    if limit and len(value) > limit:
        return f"“{label(field)}” dài {len(value)} ký tự, quá {limit} ký tự theo quy chuẩn."
    return None
