"""From the model to elements: what stands in a package and below what, not yet in which order or with which prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from appliance.office.desk import Answered, Business
from sync.edxml.model import Listed, Organ, ReadDocument, ReadFile, ReadStatus, Staff
from sync.edxml.names import UPDATE, clean, wire_moment


@dataclass
class Element:
    """One element: text or children. ``file`` marks where the bytes of an attachment go."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)
    attributes: tuple[tuple[str, str], ...] = ()
    file: ReadFile | None = None


Check = Callable[[str, str], str]
"""Judges a field's text: (name, text) to the text that goes out; raises BadInput when it may not."""


def lenient(name: str, text: str) -> str:
    """No limits: for writing again what somebody else wrote."""
    return text


class Build:
    """Makes elements, every text through ``check``; fields without text are left out, as the national SDK does."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def block(self, name: str, *parts: Element | Iterable[Element] | None) -> Element:
        """An element with children."""
        found: list[Element] = []
        for part in parts:
            if isinstance(part, Element):
                found.append(part)
            elif part is not None:
                found += part
        return Element(name, children=found)

    def some(self, name: str, *parts: Element | Iterable[Element] | None) -> Element | None:
        """The same, or None when there is nothing in it."""
        block = self.block(name, *parts)
        return block if block.children else None

    def text(self, name: str, value: str | int | None) -> list[Element]:
        """A field, or nothing. Raises BadInput."""
        said = self._check(name, clean("" if value is None else str(value)))
        return [Element(name, said)] if said else []

    def texts(self, name: str, values: Iterable[str], limit: str = "") -> list[Element]:
        """A field for each value, held against the limit of that name (default: its own)."""
        said = (self._check(limit or name, clean(value)) for value in values)
        return [Element(name, text) for text in said if text]

    def organ(self, name: str, organ: Organ) -> Element:
        """From or To."""
        fields = {
            "OrganId": organ.code, "OrganizationInCharge": organ.in_charge, "OrganName": organ.name,
            "OrganAdd": organ.address, "Email": organ.email, "Telephone": organ.telephone, "Fax": organ.fax,
            "Website": organ.website,
        }  # fmt: skip
        return self.block(name, *(self.text(field, value) for field, value in fields.items()))

    def staff(self, staff: Staff) -> Element | None:
        """StaffInfo."""
        fields = {
            "Department": staff.department, "DepartmentId": staff.department_id, "Staff": staff.name,
            "StaffId": staff.staff_id, "Email": staff.email, "Mobile": staff.mobile,
        }  # fmt: skip
        return self.some("StaffInfo", *(self.text(field, value) for field, value in fields.items()))


def document_header(document: ReadDocument, check: Check) -> list[Element]:
    """MessageHeader and TraceHeaderList of a document. Raises what ``check`` raises."""
    build = Build(check)
    return [_message_header(document, build), _trace(document, build)]


def status_header(status: ReadStatus, check: Check) -> list[Element]:
    """MessageHeader of a status. What it answers is echoed word by word, even where it breaks a limit."""
    build, echo, about = Build(check), Build(lenient), status.response_for
    reference = echo.block(
        "ResponseFor",
        echo.text("OrganId", about.organ_code),
        echo.text("Code", about.code),
        echo.text("DocumentId", about.document_code),
        echo.text("PromulgationDate", wire_moment(about.date)),
    )
    return [
        build.block(
            "MessageHeader",
            build.organ("From", status.sender),
            reference,
            build.staff(status.staff),
            build.text("StatusCode", status.status_code),
            build.text("Description", status.description),
            build.text("Timestamp", wire_moment(status.at)),
        )
    ]


def manifest(entries: Iterable[tuple[Listed, str]]) -> list[Element]:
    """Lines of the manifest: each entry with the ContentId as the dialect writes it."""
    build = Build(lenient)
    return [
        build.block(
            "Reference",
            build.text("ContentId", written),
            build.text("ContentType", entry.media_type),
            build.text("Description", entry.description),
            build.text("AttachmentName", entry.name),
        )
        for entry, written in entries
    ]


def attachment(file: ReadFile, written_id: str, media_type: str, check: Check) -> Element:
    """One attachment, its bytes still outside. Raises what ``check`` raises."""
    build = Build(check)
    return build.block(
        "Attachment",
        build.text("ContentId", written_id),
        build.text("AttachmentName", file.name),
        build.text("Description", file.description),
        build.text("ContentType", media_type),
        Element("ContentTransferEncoded", file=file),
    )


def _message_header(document: ReadDocument, build: Build) -> Element:
    text, block, some = build.text, build.block, build.some
    return block(
        "MessageHeader",
        build.organ("From", document.sender),
        (build.organ("To", recipient) for recipient in document.recipients),
        text("DocumentId", document.document_code),
        block("Code", text("CodeNumber", document.number), text("CodeNotation", document.notation)),
        block(
            "PromulgationInfo",
            text("Place", document.place),
            text("PromulgationDate", wire_moment(document.issue_date)),
        ),
        some(
            "DocumentType",
            text("Type", document.type_number),
            text("TypeDetail", document.type_detail),
            text("TypeName", document.type_name),
        ),
        text("Subject", document.subject),
        text("Content", document.content),
        some(
            "SignerInfo",
            text("Competence", document.competence),
            text("Position", document.signer_position),
            text("FullName", document.signer_name),
        ),
        text("DueDate", wire_moment(document.reply_due)),
        _other_info(document, build),
        map(_answer, document.answers),
        text("SteeringType", document.steering),
        some("ResponseForTask", build.texts("TaskCode", document.tasks)),
        text("ApplicationType", document.application_type),
        some("ToPlaces", build.texts("Place", document.to_places, "ToPlace")),
    )


def _other_info(document: ReadDocument, build: Build) -> Element:
    """OtherInfo (item 1.11). Names of the parts of ReplyFors and ReferenceCodes are inferred from Appendixes."""
    text, some = build.text, build.some
    direction = {None: "", True: "true", False: "false"}[document.direction]
    return build.block(
        "OtherInfo",
        text("Priority", document.urgency),
        text("SphereOfPromulgation", document.sphere),
        text("TyperNotation", document.typist_mark),
        text("PromulgationAmount", document.copies),
        text("PageAmount", document.page_count),
        some("ReplyFors", build.texts("ReplyFor", document.reply_fors)),
        text("Direction", direction),
        some("ReferenceCodes", build.texts("ReferenceCode", document.reference_codes)),
        some("Appendixes", build.texts("Appendix", document.appendixes)),
    )


def _answer(answer: Answered) -> Element:
    """ResponseFor: the other organ's words, echoed even where they break a limit."""
    echo = Build(lenient)
    return echo.block(
        "ResponseFor",
        echo.text("OrganId", answer.organ_code),
        echo.text("Code", answer.code),
        echo.text("DocumentId", answer.document_code),
        echo.text("PromulgationDate", wire_moment(answer.issue_date.isoformat()) if answer.issue_date else ""),
    )


def _trace(document: ReadDocument, build: Build) -> Element:
    echo = Build(lenient)  # what hops wrote is not ours to judge
    hops = (
        echo.block("TraceHeader", echo.text("OrganId", hop.organ_code), echo.text("Timestamp", wire_moment(hop.at)))
        for hop in document.trace
    )
    return build.block("TraceHeaderList", hops, _business(document.business, document.staff, build))


def _business(business: Business, staff: Staff, build: Build) -> Element:
    """Bussiness (item 2.2; spelt so on the wire). What changed is said of updates, and wherever it is known."""
    text, block, some = build.text, build.block, build.some
    changed = business.kind == UPDATE or business.information_changed or business.receivers
    receivers = (
        block("Receiver", text("OrganId", receiver.code), text("ReceiverType", int(receiver.added)))
        for receiver in business.receivers
    )
    replaced = (
        block(
            "ReplacementInfo",
            text("DocumentId", item.document_code),
            some("OrganIdList", build.texts("OrganId", item.organ_codes)),
        )
        for item in business.replaced
    )
    return block(
        "Bussiness",
        text("DocumentId", business.document_code) if business.document_code else None,
        text("BussinessDocType", business.kind),
        text("BussinessDocReason", business.reason),
        text("Paper", int(business.paper_follows)),
        block(
            "BussinessDocumentInfo",
            text("DocumentInfo", int(business.information_changed)),
            text("DocumentReceiver", int(bool(business.receivers))),
            some("ReceiverList", receivers),
        )
        if changed
        else None,
        some("ReplacementInfoList", replaced),
        build.staff(staff),
    )
