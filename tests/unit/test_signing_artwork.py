"""The demo's pictures: real size, transparent, one ink."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from appliance.signing.appearance import picture
from appliance.signing.placement import POINTS_PER_MM
from provisioning.demo import artwork


def test_the_seal_has_its_real_size_and_a_clear_ground() -> None:
    seal = Image.open(io.BytesIO(artwork.seal_png("Ủy ban nhân dân xã Hòa Bình", "Tỉnh Hải Vân")))
    assert seal.width / seal.info["dpi"][0] * 25.4 == pytest.approx(36, abs=0.1)
    assert seal.size[0] == seal.size[1]
    assert seal.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert {pixel[:3] for pixel in seal.get_flattened_data() if pixel[3]} == {(200, 16, 28)}  # type: ignore[index]


def test_a_name_always_gives_the_same_signature_and_another_name_another() -> None:
    assert artwork.signature_png("Nguyễn Văn An") == artwork.signature_png("Nguyễn Văn An")
    assert artwork.signature_png("Nguyễn Văn An") != artwork.signature_png("Đặng Hữu Phước")


def test_a_scan_much_finer_than_print_is_reduced() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (3000, 3000), (200, 0, 0, 90)).save(out, "PNG")
    reduced = picture(out.getvalue(), 36 * POINTS_PER_MM)
    assert reduced.width == pytest.approx(36 / 25.4 * 400, abs=1)
    assert reduced.mode == "RGBA"
