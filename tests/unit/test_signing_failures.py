"""The one table of token failures, row by row, and the PIN that never shows."""

from __future__ import annotations

import copy
import pickle

import pkcs11.exceptions
import pytest

from appliance.signing.failures import BY_EXCEPTION, BY_STEP, FAILURES, NEVER_ASKED, VAGUE, code_for, signer_error
from appliance.signing.token import Pin


@pytest.mark.parametrize("name", BY_EXCEPTION)
def test_every_row_names_an_exception_the_library_really_has(name: str) -> None:
    assert issubclass(getattr(pkcs11.exceptions, name), pkcs11.exceptions.PKCS11Error)


def test_every_exception_of_the_library_has_exactly_one_place_in_the_table() -> None:
    known = {
        name
        for name, value in vars(pkcs11.exceptions).items()
        if isinstance(value, type) and issubclass(value, pkcs11.exceptions.PKCS11Error)
    }
    places = [*BY_EXCEPTION, *VAGUE, *NEVER_ASKED]
    assert set(places) == known
    assert len(places) == len(known)


def test_a_driver_that_answers_what_nobody_asked_is_not_taken_for_a_missing_one() -> None:
    assert {code_for(name, step) for name in NEVER_ASKED for step in ("load", "find", "sign")} == {"unknown"}


def test_the_other_devices_are_named() -> None:
    error = signer_error("other_token", {"plugged": ["Kế toán 100%", "Văn thư"]})
    assert "“Kế toán 100%”, “Văn thư”" in str(error)


@pytest.mark.parametrize("code", [*BY_EXCEPTION.values(), *BY_STEP.values()])
def test_every_row_leads_to_a_sentence(code: str) -> None:
    error = signer_error(code)
    assert error.code == code
    assert error.message
    assert error.next_step


@pytest.mark.parametrize(
    ("exception", "step", "code"),
    [
        ("PinIncorrect", "login", "wrong_pin"),
        ("PinLocked", "login", "pin_locked"),
        ("DeviceRemoved", "sign", "removed"),
        ("ObjectHandleInvalid", "sign", "removed"),  # SoftHSM's way of saying it
        ("PKCS11Error", "load", "no_module"),
        ("GeneralError", "find", "no_token"),
        ("NoSuchKey", "key", "no_key"),
        ("GeneralError", "sign", "unknown"),
        ("FunctionFailed", "login", "unknown"),  # not a wrong PIN: nobody shall be told so
    ],
)
def test_what_pkcs11_said_and_where_decide_the_code(exception: str, step: str, code: str) -> None:
    assert code_for(exception, step) == code


def test_a_code_from_a_newer_signer_counts_as_unknown() -> None:
    assert signer_error("quantum_token_asleep").code == "unknown"


def test_only_failures_that_may_pass_by_themselves_may_be_tried_again() -> None:
    again = {code for code, failure in FAILURES.items() if not failure.permanent}
    assert again == {
        "no_token", "other_token", "removed", "busy", "cancelled", "device_full", "crashed", "timeout", "unreachable",
        "unknown",
    }  # fmt: skip


def test_a_pin_shows_in_no_text() -> None:
    pin = Pin("246810")
    texts = [repr(pin), str(pin), f"{pin}", f"{pin!r:>20}", repr([pin]), repr({"pin": pin})]
    assert not any("246810" in text for text in texts)
    assert pin.reveal() == "246810"


def test_a_pin_cannot_be_stored_or_copied() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Pin("246810"))
    with pytest.raises(TypeError):
        copy.deepcopy(Pin("246810"))
