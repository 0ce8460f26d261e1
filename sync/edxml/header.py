"""Reading the header of a package, in whatever order it stands: organs, references, business, trace."""

from __future__ import annotations

from appliance.errors import N_
from appliance.office.desk import Answered, Business, ReceiverChange, Replaced
from sync.edxml.model import ABSENT, UNVERIFIABLE, BadPackage, Hop, Organ, ReadStatus, Reference, Staff
from sync.edxml.names import clean, read_date, status_code
from sync.edxml.notes import Notes
from sync.edxml.tree import Node

_BUSINESS = ("Bussiness", "Business")
"""As it is spelt on the wire, and as it should be."""
_SIGNATURES = ("Signature", "DigitalSignature")


def sender(header: Node, notes: Notes) -> Organ:
    """From. Raises BadPackage without a code: nobody could be answered."""
    found = organ(header.child("From") or Node("From"), notes)
    if not found.code:
        raise BadPackage(
            N_("Gói tin không ghi mã định danh của nơi gửi (From/OrganId)."),
            next_step=N_("Bản gốc được giữ nguyên; báo kỹ thuật viên hỏi trục liên thông."),
        )
    if not found.name:
        notes.append("Gói tin thiếu “Tên cơ quan” của nơi gửi.")
    return found


def organ(node: Node, notes: Notes) -> Organ:
    """From or To."""
    return Organ(
        code=notes.text(node, "OrganId"),
        name=notes.text(node, "OrganName"),
        address=notes.text(node, "OrganAdd"),
        in_charge=notes.text(node, "OrganizationInCharge"),
        email=notes.text(node, "Email"),
        telephone=notes.text(node, "Telephone"),
        fax=notes.text(node, "Fax"),
        website=notes.text(node, "Website"),
    )


def recipients(header: Node, notes: Notes) -> tuple[Organ, ...]:
    """All To."""
    found = tuple(organ(node, notes) for node in header.all("To"))
    codes = [to.code for to in found if to.code]
    if len(set(codes)) < len(codes):
        notes.append("Gói tin ghi cùng một nơi nhận nhiều lần.")
    return found


def answers(header: Node) -> tuple[Answered, ...]:
    """ResponseFor of a document, the empty ones left out."""
    found = []
    for node in header.all("ResponseFor"):
        organ_code, code, document = (clean(node.value(field)) for field in ("OrganId", "Code", "DocumentId"))
        day = read_date(node.value("PromulgationDate"))
        if organ_code or code or document or day:
            found.append(Answered(organ_code, code, document, day))
    return tuple(found)


def staff(parent: Node | None, notes: Notes) -> Staff:
    """StaffInfo below ``parent``; of several, the first."""
    blocks = parent.all("StaffInfo") if parent else []
    if not blocks:
        return Staff()
    if len(blocks) > 1:
        notes.append("Gói tin ghi nhiều người xử lý; chỉ người đầu được hiển thị.")
    fields = ("Department", "Staff", "Email", "Mobile", "DepartmentId", "StaffId")
    return Staff(*(clean(blocks[0].value(field)) for field in fields))


def items(block: Node | None) -> tuple[str, ...]:
    """The texts of a list whose parts have no known name (ReplyFors, ReferenceCodes), or its own text."""
    if block is None:
        return ()
    found = [clean(child.text) for child in block.children] or [clean(block.text)]
    return tuple(text for text in found if text)


def status(header: Node, notes: Notes) -> ReadStatus:
    """A status package. Raises BadPackage without a sender."""
    code = status_code(header.value("StatusCode"))
    if code == "14":  # one deployed sender writes 14 where it means 15
        notes.append("Mã trạng thái 14 được hiểu là 15.")
        code = "15"
    reference = header.child("ResponseFor") or Node("ResponseFor")
    if not reference.value("DocumentId"):
        notes.append("Trạng thái không ghi văn bản được trả lời.")
    organ_code, printed, document = (clean(reference.value(field)) for field in ("OrganId", "Code", "DocumentId"))
    day = notes.date(reference, "PromulgationDate", "Ngày ban hành của văn bản được trả lời")
    return ReadStatus(
        sender=sender(header, notes),
        response_for=Reference(organ_code, printed, document, day),
        status_code=code,
        description=notes.text(header, "Description"),
        staff=staff(header, notes),
        at=notes.time(header, "Timestamp", "Thời điểm của trạng thái"),
        warnings=tuple(notes),
    )


def trace(root: Node, notes: Notes) -> tuple[Hop, ...]:
    """The hops, oldest first as they stand; some write "null" for their code, or nothing."""
    block = root.find("TraceHeaderList")
    return tuple(
        Hop(clean(node.value("OrganId")), notes.time(node, "Timestamp", "Thời điểm qua trục"))
        for node in (block.all("TraceHeader") if block else [])
    )


def business_block(root: Node) -> Node | None:
    """Where the business is said: below the trace, or anywhere."""
    block = root.find("TraceHeaderList")
    return (block.child(*_BUSINESS) if block else None) or root.find(*_BUSINESS)


def business(block: Node | None, notes: Notes) -> Business:
    """What the package does. The number is trusted, the text only shown: some writers copy the text of a new one."""
    if block is None:
        return Business()
    kind = next((name for name in ("BussinessDocType", "BusinessDocType") if block.child(name)), "BussinessDocType")
    reason = next(
        (name for name in ("BussinessDocReason", "BusinessDocReason") if block.child(name)), "BussinessDocReason"
    )
    info = block.child("BussinessDocumentInfo", "BusinessDocumentInfo")
    receivers = [node for listed in (info.all("ReceiverList") if info else []) for node in listed.all("Receiver")]
    replaced = [node for listed in block.all("ReplacementInfoList") for node in listed.all("ReplacementInfo")]
    if info and info.value("DocumentReceiver") == "1" and not receivers:
        notes.append("Gói tin nói danh sách nơi nhận đã đổi nhưng không ghi nơi nào.")
    return Business(
        kind=notes.number(block, kind, "Loại nghiệp vụ (BussinessDocType)", most=3),
        reason=clean(block.value(reason)),
        document_code=clean(block.value("DocumentId")),
        information_changed=bool(notes.flag(info, "DocumentInfo", "Thay đổi thông tin (DocumentInfo)")),
        receivers=tuple(_receiver(node, notes) for node in receivers),
        replaced=tuple(_replaced(node) for node in replaced),
        paper_follows=bool(notes.flag(block, "Paper", "Bản giấy kèm theo (Paper)")),
    )


def signature(root: Node) -> str:
    """Whether the envelope carries a signature. None seen in use could be verified, so none is called valid."""
    header = root.find("edXMLHeader") or root
    found = [node for node in header.all(*_SIGNATURES) if node.children or node.text]
    return UNVERIFIABLE if found else ABSENT


def _receiver(node: Node, notes: Notes) -> ReceiverChange:
    added = notes.flag(node, "ReceiverType", "Thay đổi nơi nhận (ReceiverType)")
    return ReceiverChange(clean(node.value("OrganId")), bool(added))


def _replaced(node: Node) -> Replaced:
    codes = [clean(code.text) for listed in node.all("OrganIdList") for code in listed.all("OrganId")]
    return Replaced(clean(node.value("DocumentId")), tuple(code for code in codes if code))
