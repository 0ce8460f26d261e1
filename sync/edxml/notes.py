"""Warnings for the clerk, collected while a package is read: what is odd is noted, never refused."""

from __future__ import annotations

from sync.edxml.limits import label, too_long
from sync.edxml.names import clean, read_date, read_time
from sync.edxml.tree import Node

_SHOWN = 40
_MOST_NOTES = 200


class Notes(list[str]):
    """Vietnamese sentences, in the order in which they were noticed; at most a few hundred."""

    def append(self, note: str) -> None:
        """One more, unless it stands there already or a hostile package has filled the list."""
        if len(self) < _MOST_NOTES and note not in self:
            super().append(note)

    def text(self, node: Node | None, field: str, *, required: bool = False, limit: str = "") -> str:
        """The clean text of a field, with a note where it is missing or too long."""
        return self.measured(node.value(field) if node else "", limit or field, required=required)

    def measured(self, text: str, field: str, *, required: bool = False) -> str:
        """The same for a text at hand."""
        if not text and not required:
            return ""
        value = clean(text)
        if required and not value:
            self.append(f"Gói tin thiếu “{label(field)}”.")
        if note := too_long(field, value):
            self.append(note)
        return value

    def texts(self, node: Node | None, field: str, limit: str = "") -> tuple[str, ...]:
        """The clean texts of all children called ``field``; empty ones are left out."""
        found = [self.measured(child.text, limit or field) for child in node.all(field)] if node else []
        return tuple(text for text in found if text)

    def date(self, node: Node | None, field: str, name: str) -> str:
        """An ISO date, or '' with a note where what stands there is no date."""
        text = node.value(field) if node else ""
        day = read_date(text)
        if text and day is None:
            self.append(f"{name} ghi “{clean(text)[:_SHOWN]}”, không đọc được thành ngày.")
        return day.isoformat() if day else ""

    def time(self, node: Node, field: str, name: str) -> str:
        """An ISO date and time without zone, or '' with a note."""
        text = node.value(field)
        when = read_time(text)
        if text and when is None:
            self.append(f"{name} ghi “{clean(text)[:_SHOWN]}”, không đọc được thành thời điểm.")
        return when.isoformat() if when else ""

    def number(self, node: Node | None, field: str, name: str, *, most: int) -> int:
        """A whole number from 0 to ``most``; 0 with a note where it is none."""
        return self.number_or_none(node, field, name, most=most) or 0

    def number_or_none(self, node: Node | None, field: str, name: str, *, most: int) -> int | None:
        """The same; None where nothing usable stands there."""
        text = node.value(field) if node else ""
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:
            return int(text)
        if text:
            self.append(f"{name} có giá trị lạ “{clean(text)[:_SHOWN]}”, được bỏ qua.")
        return None

    def flag(self, node: Node | None, field: str, name: str) -> bool | None:
        """Yes, no, or None where neither is said ("1", "true" and "0", "false" in any case)."""
        text = (node.value(field) if node else "").lower()
        if text in ("1", "true"):
            return True
        if text in ("0", "false"):
            return False
        if text:
            self.append(f"{name} có giá trị lạ “{clean(text)[:_SHOWN]}”, được bỏ qua.")
        return None
