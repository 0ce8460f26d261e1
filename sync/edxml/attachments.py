"""Attachments of a package: joined with the manifest, unwrapped, named safely, durable."""

from __future__ import annotations

from typing import BinaryIO

from appliance.errors import N_
from appliance.store.blobs import BlobStore
from sync.edxml.media import media_type, safe_name, size_inside, unwrap
from sync.edxml.model import Listed, ReadFile
from sync.edxml.names import MAX_PACKAGE_BYTES, clean
from sync.edxml.notes import Notes
from sync.edxml.tree import Node, hostile

MAX_UNPACKED = 5 * MAX_PACKAGE_BYTES
"""Bytes of all files of a package together, out of their zip wrappers."""
_HEAD, _MAGIC_HEAD = 1 << 16, 1024
_REPLACEMENT = "\ufffd".encode()
_RUINED = 8
"""So many replacement characters near its start have no PDF but one that somebody decoded as text and encoded again."""
_HREF = "href"


def manifest(root: Node) -> tuple[Listed, ...]:
    """What the sender says is attached."""
    block = root.find("edXMLManifest")
    return tuple(
        Listed(
            bare(node.value("ContentId") or node.attributes.get(_HREF, "")),
            clean(node.value("ContentType")),
            clean(node.value("AttachmentName")),
            clean(node.value("Description")),
        )
        for node in (block.all("Reference") if block else [])
    )


def files(root: Node, listed: tuple[Listed, ...], notes: Notes, blobs: BlobStore) -> tuple[ReadFile, ...]:
    """The attachments that can be decoded, durable in ``blobs``. Raises BadPackage for a zip bomb."""
    by_id = {entry.content_id: entry for entry in listed}
    found: list[ReadFile] = []
    nodes = [node for node in root.walk() if node.name == "Attachment"]
    named = [(node, _name(node, number, by_id)) for number, node in enumerate(nodes, start=1)]
    _bounded(named)
    for node, name in named:
        holder = node.child("ContentTransferEncoded")
        if holder is None or holder.content is None or holder.content.broken:
            notes.append(f"Tệp “{name}” không giải mã được, chỉ còn trong gói tin gốc.")
            continue
        file = _store(holder.content.file, name, notes, blobs)
        found.append(
            ReadFile(
                name=name,
                media_type=file[0],
                sha256=file[1],
                size=file[2],
                declared=clean(node.value("ContentType")),
                content_id=bare(node.value("ContentId")),
                description=clean(node.value("Description")),
            )
        )
        holder.content.file.close()  # the decoded bytes are in the store now
    if len(found) < len(listed):
        notes.append(f"Gói tin kê {len(listed)} tệp đính kèm nhưng chỉ có {len(found)} tệp đọc được.")
    return tuple(found)


def _name(node: Node, number: int, by_id: dict[str, Listed]) -> str:
    """The name it gives itself, or the manifest gives it, or its description; safe."""
    content_id = bare(node.value("ContentId"))
    entry = by_id.get(content_id) or Listed(content_id, "", "")
    described = clean(node.value("Description"))
    return safe_name(node.value("AttachmentName") or entry.name or described or entry.description, number)


def _bounded(named: list[tuple[Node, str]]) -> None:
    """Raises BadPackage, before anything is stored, when the files together would unpack to too much."""
    total = 0
    for node, name in named:
        holder = node.child("ContentTransferEncoded")
        if holder and holder.content and not holder.content.broken:
            total += size_inside(holder.content.file, name)
    if total > MAX_UNPACKED:
        raise hostile(N_("Các tệp đính kèm bung ra quá lớn (bom nén)."))


def bare(content_id: str) -> str:
    """The id without ``cid:``, which some write and some do not."""
    return clean(content_id).removeprefix("cid:")


def _store(file: BinaryIO, name: str, notes: Notes, blobs: BlobStore) -> tuple[str, str, int]:
    """(media type by its bytes, SHA-256, size) of what is inside."""
    inner, note = unwrap(file, name)
    if note:
        notes.append(note)
    sha256, size = blobs.put_stream(inner, MAX_PACKAGE_BYTES)
    with blobs.path(sha256).open("rb") as stored:
        head = stored.read(_HEAD)
        kind = media_type(head[:_MAGIC_HEAD], name)
    if size == 0:
        notes.append(f"Tệp “{name}” rỗng.")
    elif name.lower().endswith(".pdf") and kind != "application/pdf":
        notes.append(f"Tệp “{name}” không phải là tệp PDF thật.")
    elif kind == "application/pdf" and head.count(_REPLACEMENT) >= _RUINED:
        notes.append(f"Tệp “{name}” đã hỏng khi qua phần mềm khác (chuyển nhầm bảng mã); đề nghị nơi gửi gửi lại.")
    return kind, sha256, size
