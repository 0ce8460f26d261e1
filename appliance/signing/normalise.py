"""Before any signature: an uploaded PDF is written afresh, once, without what breaks, misleads or acts by itself.

Nothing here may ever touch a signed file: rewriting changes the bytes that were signed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pikepdf
import pypdfium2
from PIL import ImageChops

from appliance.errors import N_, BadInput

RESTRICTED = N_("Tệp có đặt giới hạn quyền chỉnh sửa; trạm đã bỏ giới hạn đó để ký được")
ACTIVE = N_("Tệp có lệnh tự chạy (JavaScript, mở chương trình, gửi dữ liệu, âm thanh, phim); trạm đã bỏ các lệnh đó")
ATTACHED = N_("Tệp có nhúng tệp khác bên trong (%s); trạm đã bỏ ra. Phụ lục phải là tệp riêng hoặc trang của văn bản")
DYNAMIC = N_("Tệp là biểu mẫu có phần động (XFA); trạm đã bỏ phần động, giữ nội dung đang hiển thị")
TURNED = N_("Trang %s bị xoay bằng lệnh xoay; trạm đã xoay nội dung về đúng chiều")
REWRITTEN = N_("Cấu trúc bên trong tệp bị lỗi hoặc ở dạng lai; trạm đã ghi lại tệp cho đúng chuẩn")
DIFFERENT = N_("Hình trang %s sau khi sửa khác bản tải lên; hãy xem kỹ trước khi trình ký")

_EDITABLE_COPY = N_("bản soạn thảo LibreOffice")
_ACTIONS = {
    "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/ResetForm", "/Rendition", "/Movie", "/Sound",
    "/RichMediaExecute", "/GoToE", "/GoTo3DView", "/SetOCGState", "/Hide",
}  # fmt: skip
_PLAYERS = {"/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"}
_PICTURE_SCALE = 0.35
_OTHER_INK = 40
"""Grey steps by which a pixel must differ, at about 25 dpi, before pages count as different."""
_MOST_PAGES = 40
"""Pages compared after a rewrite; the first and the last ones carry number, date and signature."""


def normalised(data: bytes, *, orderly: bool = False) -> tuple[bytes, list[str]]:
    """The same document written afresh, and a Vietnamese sentence for each thing taken out or turned.

    ``orderly``: the structure is good; then, with nothing to take out or turn, the bytes stay as they are.
    Raises pikepdf.PdfError when even qpdf's recovery cannot read it (pikepdf.PasswordError: a password is needed),
    BadInput for a form that only exists as XML.
    """
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        done = [RESTRICTED] * document.is_encrypted
        done += _disarm(document)
        if turned := [number for number, page in enumerate(document.pages, 1) if int(page.rotation) % 360]:
            for number in turned:
                document.pages[number - 1].flatten_rotation()
            done.append(TURNED % _some(turned))
        if orderly and not done:
            return data, []
        document.save(out, encryption=False, deterministic_id=True)
    return out.getvalue(), done


def armed(data: bytes) -> list[str]:
    """What a signed file holds that would have been taken out of an unsigned one, in the same sentences.

    Raises pikepdf.PdfError, BadInput as ``normalised``.
    """
    with pikepdf.open(io.BytesIO(data)) as document:
        return _disarm(document)  # in memory only


def different_pages(before: bytes, after: bytes) -> list[int]:
    """Numbers (from 1) of pages that look different now."""
    found = []
    with pypdfium2.PdfDocument(before) as one, pypdfium2.PdfDocument(after) as two:
        if len(one) != len(two):
            return [min(len(one), len(two)) + 1]
        for document in (one, two):
            document.init_forms()
        for index in sorted({*range(min(_MOST_PAGES, len(one))), len(one) - 1}):
            pictures = [
                document[index].render(scale=_PICTURE_SCALE, may_draw_forms=True).to_pil().convert("L")
                for document in (one, two)
            ]
            if pictures[0].size != pictures[1].size or _differ(*pictures):
                found.append(index + 1)
    return found


def _differ(one: Any, two: Any) -> bool:
    changed = ImageChops.difference(one, two).point(lambda grey: 255 * (grey > _OTHER_INK))
    return changed.getbbox() is not None


def _some(numbers: list[int]) -> str:
    """A list of page numbers that stays readable."""
    return ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")


def _disarm(document: pikepdf.Pdf) -> list[str]:
    """Take out what runs by itself and what hides inside; a plain link to a web address or a page may stay."""
    root = document.Root
    attached = [_short(name) for name in document.attachments]
    if _take(document.trailer, "/AdditionalStreams"):  # LibreOffice's "hybrid" export
        attached.append(_EDITABLE_COPY)
    names = root.get("/Names", pikepdf.Dictionary())
    dynamic = _xfa(root)
    active = _take(root, "/AA") | _take(names, "/JavaScript")
    if _acts(root.get("/OpenAction")):
        active |= _take(root, "/OpenAction")
    for holder, key in ((names, "/EmbeddedFiles"), (root, "/AF"), (root, "/Collection"), (root, "/Perms")):
        _take(holder, key)
    for page in document.pages:
        active |= _disarm_page(page.obj, attached)
    form = root.get("/AcroForm", pikepdf.Dictionary())
    for field in _fields(form.get("/Fields", ())):
        active |= _take_actions(field)
    return [ATTACHED % ", ".join(attached)] * bool(attached) + [ACTIVE] * active + [DYNAMIC] * dynamic


def _xfa(root: Any) -> bool:
    """Take the XML half of a form away; raises BadInput when the form lives in that half alone."""
    form = root.get("/AcroForm", pikepdf.Dictionary())
    if "/XFA" in form and (root.get("/NeedsRendering", False) or not len(form.get("/Fields", ()))):
        raise BadInput(
            N_("Tệp PDF là biểu mẫu động (XFA), không ký được"),
            next_step=N_("Mở tệp bằng Adobe Reader, chọn In → Lưu thành PDF rồi tải bản đó lên"),
        )
    return _take(form, "/XFA")


def _disarm_page(page: Any, attached: list[str]) -> bool:
    """One page; names of files hung on it are added to ``attached``. Whether something could have run."""
    active = _take(page, "/AA")
    _take(page, "/AF")
    annotations = page.get("/Annots")
    if annotations is None:
        return active
    kept = []
    for annotation in annotations:
        if not isinstance(annotation, pikepdf.Dictionary):
            continue
        kind = str(annotation.get("/Subtype", ""))
        if kind == "/FileAttachment":
            attached.append(_short(str(annotation.get("/Contents", "")) or "tệp đính kèm"))
        elif kind in _PLAYERS:
            active = True
        else:
            active |= _take_actions(annotation)
            kept.append(annotation)
    if len(kept) != len(annotations):
        page["/Annots"] = pikepdf.Array(kept)
    return active


def _take_actions(holder: Any) -> bool:
    """Take the dangerous actions of a field or annotation away; whether there were any."""
    active = _take(holder, "/AA")
    return (_acts(holder.get("/A")) and _take(holder, "/A")) or active


def _take(holder: Any, key: str) -> bool:
    """Take one entry out of a dictionary; whether it was there."""
    there = key in holder
    if there:
        del holder[key]
    return there


def _acts(action: Any) -> bool:
    """Whether an action does more than show a page or a web address."""
    return isinstance(action, pikepdf.Dictionary) and (str(action.get("/S", "")) in _ACTIONS or "/Next" in action)


def _fields(fields: Any, depth: int = 0) -> Iterator[Any]:
    """Every field of a form, parents before children; crooked trees end somewhere."""
    for field in fields:
        if isinstance(field, pikepdf.Dictionary):
            yield field
            if depth < 20:
                yield from _fields(field.get("/Kids", ()), depth + 1)


def _short(name: str) -> str:
    """A file's name as it may stand in a sentence."""
    return "".join(c for c in name if c.isprintable())[:60]
