"""``tram edxml``: what is in any package or status, and its files, for the technician. Needs no box."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from appliance.errors import N_, BadInput, in_words
from appliance.regulation.document_types import STATUS_CODES, URGENCY
from appliance.store.blobs import BlobStore
from sync.edxml.model import UNVERIFIABLE, Organ, ReadDocument, ReadStatus
from sync.edxml.reader import tree_of, understand
from sync.edxml.schema import deviations

_KINDS = {0: N_("Văn bản mới"), 1: N_("Thu hồi"), 2: N_("Cập nhật"), 3: N_("Thay thế")}
_CHUNK = 1 << 20

Model = ReadDocument | ReadStatus


def show(file: Path, *, as_json: bool) -> None:
    """Print what ``file`` says, with warnings. Raises BadPackage or BadInput with one Vietnamese sentence."""
    with _reading(file) as (model, departures, _):
        if as_json:
            print(json.dumps(_json(model, departures), ensure_ascii=False, indent=2))
        else:
            print(_text(model, departures))


def extract(file: Path, folder: Path) -> None:
    """Write the files of a package below ``folder`` under safe names, nothing overwritten; prints their names.

    Raises BadPackage or BadInput with one Vietnamese sentence.
    """
    with _reading(file) as (model, _, blobs):
        if isinstance(model, ReadStatus):
            raise BadInput(N_("Tệp %(name)s là bản tin trạng thái, không mang tệp nào."), name=file.name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for attached in model.files:
                print(_copy(blobs.path(attached.sha256), folder, attached.name))
        except BrokenPipeError:
            raise  # nobody reads the names any more: no fault of the folder
        except OSError as error:
            raise BadInput(
                N_("Không ghi được vào thư mục %(folder)s: %(error)s."), folder=folder, error=in_words(error)
            ) from error
        for warning in model.warnings:
            print(_plain(f"! {warning}"))


@contextmanager
def _reading(file: Path) -> Iterator[tuple[Model, tuple[str, ...], BlobStore]]:
    """The model of ``file``, where it departs from the schema, and a store that lasts as long as the block."""
    with tempfile.TemporaryDirectory(prefix="tram-edxml-") as folder:
        blobs = BlobStore(Path(folder))
        try:
            root = tree_of(file, blobs)
        except OSError as error:
            raise BadInput(N_("Không đọc được tệp %(name)s: %(error)s."), name=file, error=in_words(error)) from error
        yield understand(root, blobs), deviations(root), blobs


def _copy(source: Path, folder: Path, name: str) -> str:
    """Copy under ``name``, or the next free one like it; never through a link that already stands there."""
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        written = name if number == 1 else f"{stem} ({number}){suffix}"
        try:
            with (folder / written).open("xb") as target, source.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    target.write(chunk)
        except FileExistsError:
            number += 1
            continue
        return written


def _json(model: Model, departures: tuple[str, ...]) -> dict[str, Any]:
    kind = "status" if isinstance(model, ReadStatus) else "document"
    said: dict[str, Any] = json.loads(json.dumps(asdict(model), default=str))  # dates become ISO texts
    return {"kind": kind, **said, "schema_deviations": list(departures)}


def _text(model: Model, departures: tuple[str, ...]) -> str:
    rows = _status(model) if isinstance(model, ReadStatus) else _document(model)
    lines = [f"{label}: {value}" for label, value in rows if value]
    lines += [f"! {warning}" for warning in model.warnings]
    lines += [f"~ {departure}" for departure in departures]
    return "\n".join(map(_plain, lines))


def _plain(line: str) -> str:
    """One line for a terminal: what a package says must not move its cursor or turn its text around."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in line)


def _status(status: ReadStatus) -> list[tuple[str, str]]:
    about = status.response_for
    return [
        ("Bản tin trạng thái", f"{status.status_code} – {STATUS_CODES.get(status.status_code, 'mã lạ')}"),
        ("Nơi gửi", _organ(status.sender)),
        ("Gửi cho", about.organ_code),
        ("Về văn bản", _joined(about.code, about.document_code, about.date)),
        ("Nội dung", status.description),
        ("Người xử lý", _joined(status.staff.department, status.staff.name)),
        ("Thời điểm", status.at.replace("T", " ")),
    ]


def _document(document: ReadDocument) -> list[tuple[str, str]]:
    business = document.business
    acted = business.document_code or ", ".join(item.document_code for item in business.replaced)
    rows = [
        ("Gói văn bản", _joined(_KINDS[business.kind], business.reason, acted)),
        ("Nơi gửi", _organ(document.sender)),
        *(("Nơi nhận", _organ(organ)) for organ in document.recipients),
        ("Mã định danh", document.document_code),
        ("Số, ký hiệu", "/".join(part for part in (document.number, document.notation) if part)),
        ("Ban hành", _joined(document.place, document.issue_date)),
        ("Loại", document.type_name),
        ("Trích yếu", document.subject),
        ("Người ký", _joined(document.competence, document.signer_position, document.signer_name)),
        ("Độ khẩn", URGENCY.get(document.urgency, str(document.urgency))),
        ("Hạn trả lời", document.reply_due),
        *(("Trả lời văn bản", _joined(answer.code, answer.document_code)) for answer in document.answers),
        *(("Thay đổi nơi nhận", f"{'thêm' if one.added else 'bớt'} {one.code}") for one in business.receivers),
        ("Bản giấy", "gửi kèm sau" if business.paper_follows else ""),
        ("Chữ ký trên phong bì", "có, không kiểm được" if document.signature == UNVERIFIABLE else "không có"),
        *(("Qua", _joined(hop.organ_code, hop.at.replace("T", " "))) for hop in document.trace),
    ]
    return rows + [("Tệp", f"{file.name} ({file.media_type}, {file.size:,} byte)") for file in document.files]


def _organ(organ: Organ) -> str:
    return _joined(organ.code, organ.name)


def _joined(*parts: str) -> str:
    return " – ".join(part for part in parts if part)
