"""Who sends a package, without reading all of it."""

from __future__ import annotations

from pathlib import Path

from lxml import etree


def sender_code(path: Path) -> str:
    """From/OrganId of one of our own packages: the code as it stood when the package was made.

    Raises ValueError when the file is not one of our packages.
    """
    inside = False
    for event, element in etree.iterparse(path, events=("start", "end"), resolve_entities=False, no_network=True):
        local = etree.QName(element).localname
        if local == "From":
            inside = event == "start"
        elif inside and event == "end" and local == "OrganId":
            return (element.text or "").strip()
        elif local == "edXMLBody":
            break
    raise ValueError(f"no From/OrganId in {path.name}")
