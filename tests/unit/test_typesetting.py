"""What the box typesets itself: given pictures only, Vietnamese letters whole, fonts embedded."""

from __future__ import annotations

import io
from pathlib import Path

import pypdfium2
from PIL import Image

from appliance.typesetting import typeset

RED = io.BytesIO()
Image.new("RGB", (30, 30), "red").save(RED, "png")


def _reddest(pdf: bytes) -> bool:
    picture = pypdfium2.PdfDocument(pdf)[0].render().to_pil().convert("RGB")
    return (255, 0, 0) in {colour for _, colour in picture.getcolors(1 << 24)}


def test_letters_typed_in_parts_come_out_whole() -> None:
    pdf = typeset("<p>U\u0309y ban nha\u0302n da\u0302n</p>")
    assert "Ủy ban nhân dân" in pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()


def test_a_given_picture_is_drawn() -> None:
    assert _reddest(typeset("<img src='seal.png'>", pictures={"seal.png": RED.getvalue()}))


def test_nothing_on_this_machine_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(RED.getvalue())
    assert not _reddest(typeset(f"<p>a</p><img src='file://{tmp_path}/secret.png'>"))
