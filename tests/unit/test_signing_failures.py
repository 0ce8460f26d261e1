"""The one table of token failures, row by row, and the PIN that never shows."""

from __future__ import annotations

import copy
import pickle

import pkcs11.exceptions
import pytest

from appliance.signing.failures import BY_EXCEPTION, BY_STEP, FAILURES, code_for, signer_error
from appliance.signing.token import Pin


@pytest.mark.parametrize("name", BY_EXCEPTION)
def test_every_row_names_an_exception_the_library_really_has(name: str) -> None:
    assert issubclass(getattr(pkcs11.exceptions, name), pkcs11.exceptions.PKCS11Error)


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
    assert again == {"no_token", "removed", "busy", "crashed", "timeout", "unreachable", "unknown"}


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
