"""What is wrong with XML that is not well-formed, in Vietnamese."""

from __future__ import annotations

from xml.parsers.expat import errors

from appliance.errors import N_
from sync.edxml.model import BadPackage

_WORDS: dict[str, str] = {
    errors.XML_ERROR_SYNTAX: N_("sai cú pháp"),
    errors.XML_ERROR_NO_ELEMENTS: N_("không có nội dung"),
    errors.XML_ERROR_INVALID_TOKEN: N_("có ký tự không hợp lệ"),
    errors.XML_ERROR_UNCLOSED_TOKEN: N_("bị cắt giữa chừng"),
    errors.XML_ERROR_PARTIAL_CHAR: N_("bị cắt giữa một chữ"),
    errors.XML_ERROR_TAG_MISMATCH: N_("thẻ đóng không khớp thẻ mở"),
    errors.XML_ERROR_DUPLICATE_ATTRIBUTE: N_("một thuộc tính ghi hai lần"),
    errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: N_("có nội dung thừa ở cuối"),
    errors.XML_ERROR_UNDEFINED_ENTITY: N_("dùng ký hiệu chưa khai báo"),
    errors.XML_ERROR_BAD_CHAR_REF: N_("ghi mã ký tự không hợp lệ"),
    errors.XML_ERROR_MISPLACED_XML_PI: N_("có nội dung thừa trước phần khai báo"),
    errors.XML_ERROR_UNKNOWN_ENCODING: N_("dùng bảng mã lạ"),
    errors.XML_ERROR_INCORRECT_ENCODING: N_("ghi sai bảng mã"),
    errors.XML_ERROR_UNCLOSED_CDATA_SECTION: N_("bị cắt giữa chừng"),
    errors.XML_ERROR_XML_DECL: N_("phần khai báo XML sai"),
}
_OTHER = N_("không đọc được")


def not_xml(code: int, line: int) -> BadPackage:
    """The refusal for expat's error ``code`` in ``line``."""
    words = _WORDS.get(errors.messages.get(code, ""), _OTHER)
    return BadPackage(
        N_("Gói tin không phải là XML đúng quy cách: %(error)s (dòng %(line)s)."),
        next_step=N_("Bản gốc được giữ nguyên; đề nghị nơi gửi gửi lại."),
        error=words,
        line=line,
    )
