"""Whatever is done to a sealed file, the box answers, and never calls the result valid."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import BadInput
from appliance.signing.placement import SLOT_FIELDS, Area, Placement, TextSlot
from appliance.signing.prepare import inspect
from appliance.signing.validate import validate
from tests.signing_fixtures import Signing, signing  # noqa: F401

_made: dict[str, bytes] = {}
_slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sealed(signing: Signing) -> bytes:  # noqa: F811
    if "sealed" not in _made:
        prepared, placement = signing.prepared()
        _made["signed"] = signing.sign(prepared)
        _made["sealed"] = signing.number_and_seal(_made["signed"], placement)
    return _made["sealed"]


def verdict(data: bytes, signing: Signing) -> str:  # noqa: F811
    try:
        return validate(data, signing.trust).verdict
    except BadInput:
        return "refused"


def unsigned_padding(data: bytes) -> tuple[int, int]:
    """The hexadecimal container of the last signature: the only bytes its own digest leaves out."""
    start = data.rindex(b"/Contents <") + len(b"/Contents <")
    return start, data.index(b">", start)


@given(data=st.data())
@_slow
def test_a_changed_byte_is_never_called_valid(signing: Signing, data: st.DataObject) -> None:  # noqa: F811
    whole = sealed(signing)
    start, end = unsigned_padding(whole)
    at = data.draw(st.integers(0, len(whole) - 1).filter(lambda n: not start <= n < end))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != whole[at]))
    assert verdict(whole[:at] + bytes([value]) + whole[at + 1 :], signing) != "valid"


@given(data=st.data())
@_slow
def test_a_cut_or_joined_file_is_never_called_valid(signing: Signing, data: st.DataObject) -> None:  # noqa: F811
    whole = sealed(signing)
    cut = data.draw(st.integers(0, len(whole) - 1))
    again = data.draw(st.integers(0, len(whole)))
    joined = whole[:cut] + whole[again:]
    # the leader's revision alone is a signed file of its own, with nothing missing
    assert verdict(joined, signing) != "valid" or joined in (whole, _made["signed"])


@given(data=st.binary(max_size=3000))
@_slow
def test_arbitrary_bytes_are_refused_or_unsigned(signing: Signing, data: bytes) -> None:  # noqa: F811
    assert verdict(b"%PDF-1.7\n" + data, signing) in ("refused", "unsigned")
    with suppress(BadInput):
        inspect(b"%PDF-1.7\n" + data + b"\nstartxref\n9\n%%EOF")  # nothing else may come out


areas = st.builds(Area, st.integers(0, 99), *[st.floats(-900, 900)] * 2, *[st.floats(0.5, 900)] * 2)
slots = st.builds(
    TextSlot, st.sampled_from(SLOT_FIELDS), areas, st.sampled_from(["{number}", "{day}", "ngày {day}"]),
    st.floats(4, 40), st.booleans(), st.sampled_from(["left", "center"]), st.booleans(),
)  # fmt: skip


@given(
    placement=st.builds(
        Placement, st.lists(slots, max_size=4).map(tuple), areas, areas, st.just(()), st.just(()), st.none() | areas
    )
)
def test_every_placement_survives_json(placement: Placement) -> None:
    assert Placement.from_json(placement.to_json()) == placement
