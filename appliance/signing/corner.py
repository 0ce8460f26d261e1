"""The organ's signature on a file that has no personal signature of its own: text at the top right of the first page.

For annexes in files of their own (QĐ 15/2019/QĐ-UBND, article 6.2b) and for electronic copies; NĐ 30/2020/NĐ-CP,
annex I: top right corner of the first page, the seal's image not shown, text upright, regular, black, size 10.
"""

from __future__ import annotations

import io
from datetime import datetime

import pypdfium2
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    append_signature_field,
    enumerate_sig_fields,
)
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import EmbeddedPdfSignature

from appliance.errors import N_, BadInput, RuleRefused
from appliance.signing.appearance import DrawnStyle, Look, TextLine
from appliance.signing.certificates import check_before_signing
from appliance.signing.client import SignerClient
from appliance.signing.fonts import text_width
from appliance.signing.inspection import UNREADABLE, inspect
from appliance.signing.placement import COPY_FIELD, LEFT_INSET, POINTS_PER_MM, SEAL_FIELD, Area
from appliance.signing.produce import open_writer, require_good, sign_field
from appliance.signing.token import Pin, TokenKey
from appliance.signing.token_signer import TokenSigner
from appliance.signing.trust import TrustStore
from appliance.signing.validate import validate

_FROM_TOP, _FROM_RIGHT = 5 * POINTS_PER_MM, 15 * POINTS_PER_MM
"""Inside the top margin (20-25 mm, annex I) and at the right one, where no text of a well laid page stands."""
_WIDEST = 0.45  # of the page: what is left of the header's right half
_STEP = 1.2  # line distance in font sizes
_TIPS = {SEAL_FIELD: N_("Dấu của cơ quan, tổ chức trên phụ lục"), COPY_FIELD: N_("Chữ ký số của cơ quan sao văn bản")}


def ready_for_corner(data: bytes) -> tuple[bytes, int]:
    """(the file to sign, its pages): checked, and written afresh where only that lets it be extended.

    Raises BadInput for what cannot be signed, one that carries signatures which allow no further one included.
    """
    facts = inspect(data)
    if not facts.already_signed:
        data = facts.ready
    elif not takes_another_signature(data):
        raise BadInput(
            N_("Tệp PDF đã có chữ ký số khóa tệp, không ký thêm được chữ ký nào"),
            next_step=N_("Tải lên bản chưa ký, hoặc in tệp ra PDF mới rồi tải lên bản đó"),
        )
    if {SEAL_FIELD, COPY_FIELD} & {name for name, _, _ in enumerate_sig_fields(PdfFileReader(io.BytesIO(data)))}:
        raise BadInput(
            N_("Tệp PDF đã có ô đóng dấu của một văn bản khác"), next_step=N_("In tệp ra PDF mới rồi tải lên bản đó")
        )
    return data, facts.pages


def takes_another_signature(data: bytes) -> bool:
    """Whether every signature in the file leaves room for one more field; without signatures, yes."""
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        if "/Perms" in reader.root and "/DocMDP" in reader.root["/Perms"]:
            return False  # certified by its author: fields may be filled, none added
        for name, _, field in enumerate_sig_fields(reader, filled_status=True):
            signature = EmbeddedPdfSignature(reader, field, name)
            lock = signature.fieldmdp
            if signature.docmdp_level == MDPPerm.NO_CHANGES:
                return False
            if lock is not None and lock.action != FieldMDPAction.INCLUDE:
                return False
    except UNREADABLE:
        return False
    return True


def seal_corner(
    data: bytes,
    *,
    field: str,
    look: Look,
    texts: tuple[str, ...],
    key: TokenKey,
    pin: Pin,
    signer: SignerClient,
    at: datetime,
    trust: TrustStore,
    stamper: TimeStamper | None = None,
) -> bytes:
    """The organ's signature in a new ``field`` of the first page, ``texts`` in its corner, the whole file locked.

    ``look``: size and colour of the text; ``stamper``: asked for a time stamp to put into the signature. Signatures
    already there must hold, and still hold afterwards. Raises SignerError (device), RuleRefused (certificate, broken
    signatures), BadInput.
    """
    certificate = check_before_signing(key, trust, at)
    earlier = validate(data, trust, at=at)
    if earlier.verdict == "invalid":
        raise RuleRefused(
            N_("Chữ ký số có sẵn trên tệp không hợp lệ: %(reasons)s"),
            next_step=N_("Lấy lại tệp đúng từ nơi ban hành"),
            reasons="; ".join(dict.fromkeys(reason for s in earlier.signatures for reason in s.reasons)),
        )
    writer = open_writer(data)
    style, area = _block(data, texts, look)
    _add_field(writer, field, area)
    sealed = sign_field(writer, field, style, TokenSigner(key, pin, signer, certificate, trust), at, stamper)
    require_good(validate(sealed, trust, at=at), {field, *(s.field for s in earlier.signatures)})
    return sealed


def _block(data: bytes, texts: tuple[str, ...], look: Look) -> tuple[DrawnStyle, Area]:
    """The text as drawn, and its rectangle in the file's own coordinates; upright on a turned page too."""
    with pypdfium2.PdfDocument(data) as document:
        page = document[0]
        across, up, turned = page.get_width(), page.get_height(), page.get_rotation()
        left, bottom, *_ = page.get_bbox()
    lines = [part for text in texts for part in _wrapped(text, look.size, _WIDEST * across)]
    widest = max(text_width(line, look.size) for line in lines) + 2 * LEFT_INSET * look.size
    width, height = min(widest, across), (len(lines) * _STEP + 0.1) * look.size
    x, y = max(across - _FROM_RIGHT - width, 0.0), max(up - _FROM_TOP - height, 0.0)
    step = _STEP * look.size
    drawn = tuple(
        TextLine(line, look.size, height - step * (number + 1) + 0.3 * look.size, align="left")
        for number, line in enumerate(lines)
    )
    style = DrawnStyle(lines=drawn, text_area=Area(0, 0, 0, width, height), colour=look.colour, turned=turned)
    corner = {
        0: (x, y, width, height),
        90: (up - y - height, x, height, width),
        180: (across - x - width, up - y - height, width, height),
        270: (y, across - x - width, height, width),
    }[turned]
    return style, Area(0, *corner).shifted(left, bottom)


def _wrapped(text: str, size: float, most: float) -> list[str]:
    """A line in as many as it needs to stay within ``most`` points."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


def _add_field(writer: IncrementalPdfFileWriter, name: str, area: Area) -> None:
    append_signature_field(
        writer,
        SigFieldSpec(
            name,
            on_page=0,
            box=(area.x, area.y, area.right, area.top),  # type: ignore[arg-type]  # whole points by type, fractions fit
            field_mdp_spec=FieldMDPSpec(FieldMDPAction.ALL),
            doc_mdp_update_value=MDPPerm.NO_CHANGES,
            readable_field_name=_TIPS[name],
        ),
    )
