"""Signature and seal pictures as an office brings them: blue, red, clear ground, real size."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from appliance.errors import BadInput
from appliance.signing.pictures import check_seal, check_signature, declared_mm
from provisioning.demo import artwork

SEAL = artwork.seal_png("Ủy ban nhân dân xã Hòa Bình", "Tỉnh Hải Vân")
SIGNATURE = artwork.signature_png("Nguyễn Văn An")


def drawn(ink: tuple[int, int, int], ground: tuple[int, int, int, int], **options: object) -> bytes:
    """A stroke on a ground."""
    image = Image.new("RGBA", (400, 400), ground)
    ImageDraw.Draw(image).ellipse((60, 60, 340, 340), outline=(*ink, 255), width=20)
    out = io.BytesIO()
    image.save(out, "PNG", **options)  # type: ignore[arg-type]
    return out.getvalue()


CLEAR, PAPER, RED, BLUE, BLACK = (0, 0, 0, 0), (248, 246, 240, 255), (200, 20, 30), (20, 50, 150), (20, 20, 20)


def test_the_demos_own_pictures_pass() -> None:
    assert check_seal(SEAL, seal_mm=36.0).warnings == ()
    assert check_seal(SEAL).mm == pytest.approx(36, abs=0.1)
    assert check_signature(SIGNATURE).warnings == ()


@pytest.mark.parametrize("ink", [RED, BLACK])
def test_a_signature_that_is_not_blue_is_refused(ink: tuple[int, int, int]) -> None:
    with pytest.raises(BadInput, match="màu xanh"):
        check_signature(drawn(ink, CLEAR))


@pytest.mark.parametrize("ink", [BLUE, BLACK])
def test_a_seal_that_is_not_red_is_refused(ink: tuple[int, int, int]) -> None:
    with pytest.raises(BadInput, match="màu đỏ"):
        check_seal(drawn(ink, CLEAR))


def test_white_paper_is_refused_until_the_box_is_asked_to_clear_it() -> None:
    scan = drawn(BLUE, PAPER)
    with pytest.raises(BadInput, match="không trong suốt") as caught:
        check_signature(scan)
    assert "Xóa nền trắng" in (caught.value.next_step or "")
    cleared = Image.open(io.BytesIO(check_signature(scan, clear_white=True).png))
    assert cleared.getpixel((5, 5))[3] == 0  # type: ignore[index]
    assert cleared.getpixel((200, 65))[3] > 200  # type: ignore[index]


def test_an_empty_picture_and_no_picture_are_refused() -> None:
    with pytest.raises(BadInput, match="không có nét nào"):
        check_seal(_empty())
    with pytest.raises(BadInput, match="không phải là ảnh PNG"):
        check_seal(b"GIF89a" + bytes(40))


def _empty() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), CLEAR).save(out, "PNG")
    return out.getvalue()


def test_the_declared_size_counts_and_a_difference_is_said() -> None:
    dpi = 400 / 42 * 25.4  # 400 pixels are 42 mm
    checked = check_seal(drawn(RED, CLEAR, dpi=(dpi, dpi)), seal_mm=36.0)
    assert checked.mm == pytest.approx(42, abs=0.05)
    assert "khác số đã khai" in checked.warnings[0]
    assert declared_mm(checked.png) == pytest.approx(42, abs=0.05)


def test_a_size_no_seal_has_is_a_scanners_default_and_not_believed() -> None:
    checked = check_seal(drawn(RED, CLEAR, dpi=(96, 96)), seal_mm=36.0)  # 106 mm
    assert checked.mm is None
    assert "không phải cỡ của con dấu" in checked.warnings[0]
    assert declared_mm(drawn(RED, CLEAR)) is None
    assert declared_mm(b"nothing") is None
