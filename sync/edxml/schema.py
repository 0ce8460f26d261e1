"""Our schema of the package (``edxml.xsd``) in the order of each dialect, and where a package departs from it."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from lxml import etree

from sync.edxml.dialects import DEFAULT, dialect, dialect_names
from sync.edxml.names import NAMESPACE, PREFIX, clean
from sync.edxml.tree import Node

_FILE = Path(__file__).with_name("edxml.xsd")
_XS = "{http://www.w3.org/2001/XMLSchema}"
_NAME = re.compile(r"Element '\{[^}]*\}([^']*)'")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*?) \)", re.DOTALL)
_LOCAL = re.compile(r"\{[^}]*\}(\w+)")
_MISPLACED, _MISSING = "SCHEMAV_ELEMENT_CONTENT", "Missing child element"
_LONG = "SCHEMAV_CVC_MAXLENGTH_VALID"
_EMPTY = "SCHEMAV_CVC_MINLENGTH_VALID"
_SHOWN = 30
_PLAIN = re.compile(r"[^\W\d][\w.-]*")
_STRANGE = "ten-khong-hop-le"
_MOST = 50


@functools.cache
def schema(name: str = DEFAULT) -> etree.XMLSchema:
    """The schema with the sequences in the order of the dialect ``name``."""
    tree = etree.parse(_FILE)
    for parent, order in dialect(name).order.items():
        rank = {child: position for position, child in enumerate(order)}
        for block in tree.iterfind(f"{_XS}complexType[@name='{parent}']"):
            for sequence in block.iter(f"{_XS}sequence"):
                if sequence is next(block.iter(f"{_XS}sequence")) or sequence.getparent().tag == f"{_XS}choice":
                    sequence[:] = sorted(sequence, key=lambda child: rank.get(child.get("name", ""), len(rank)))
    return etree.XMLSchema(tree)


def deviations(root: Node) -> tuple[str, ...]:
    """Vietnamese sentences, one for each departure from the layout that fits best; none for our own packages.

    Attachments' bytes and attributes are not looked at.
    """
    if root.name != "edXML":
        return (f"Phần tử gốc là “{root.name[:_SHOWN]}”, quy chuẩn ghi “edXML”.",)
    element = _element(root)
    fits = (_departures(element, name) for name in dialect_names())
    found = min(fits, key=len)
    if any(node.prefix != PREFIX for node in root.walk() if node.name == "MessageHeader"):
        found.insert(0, f"Phần đầu không mang tiền tố “{PREFIX}:”; có hệ thống nhận từ chối gói tin như vậy.")
    if NAMESPACE not in root.namespaces:
        said = root.namespaces[0][:100] if root.namespaces else "không có"
        found.insert(0, f"Không gian tên của gói tin không theo QCVN 102:2016 ({said}).")
    return tuple(found[:_MOST])


def _element(root: Node) -> etree._Element:
    """The tree under the standard's namespace, texts as they stand, attachments empty."""
    top = etree.Element(f"{{{NAMESPACE}}}{root.name}")
    pairs = [(root, top)]
    for node, element in pairs:  # grows while it is walked: breadth first, no recursion
        if node.text and not node.children:
            element.text = clean(node.text)
        for child in node.children:
            name = child.name if _PLAIN.fullmatch(child.name) else _STRANGE  # "a:1" has no local name that XML allows
            pairs.append((child, etree.SubElement(element, f"{{{NAMESPACE}}}{name}")))
    return top


def _departures(element: etree._Element, name: str) -> list[str]:
    judge = schema(name)
    if judge.validate(element):
        return []
    return list(dict.fromkeys(map(_words, judge.error_log)))


def _words(error: etree._LogEntry) -> str:
    """libxml2's finding in Vietnamese."""
    match = _NAME.search(error.message)
    name = match.group(1)[:_SHOWN] if match else "?"
    if error.type_name == _MISPLACED:
        expected = _EXPECTED.search(error.message)
        names = ", ".join(_LOCAL.findall(expected.group(1))[:4]) if expected else ""
        if _MISSING in error.message:
            return f"“{name}” thiếu phần tử con ({names})."
        return f"“{name}” không đúng chỗ hoặc không có trong quy chuẩn" + (f" (chỗ này là {names})." if names else ".")
    if error.type_name == _LONG:
        return f"“{name}” dài hơn quy chuẩn."
    if error.type_name == _EMPTY:
        return f"“{name}” để trống."
    return f"“{name}” có giá trị không đúng quy chuẩn."
