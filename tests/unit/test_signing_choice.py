"""Which of a token's certificates is taken to sign with."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.clock import VN
from appliance.signing.choice import AUTHORITY, EXPIRED, NOT_YET, UNREADABLE, best, candidates
from appliance.signing.token import TokenInfo
from provisioning.demo import pki

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=VN)
PUBLIC = ec.generate_private_key(ec.SECP256R1()).public_key()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> pki.Authority:
    return pki.make_ca(tmp_path_factory.mktemp("choice"))


def issued(authority: pki.Authority, days_ago: int = 10, days: int = 365, may_sign: bool = True) -> x509.Certificate:
    start = NOW - timedelta(days=days_ago)
    return authority.issue(
        PUBLIC, common_name="Nguyễn Văn An", organ="UBND", not_before=start, days=days, may_sign=may_sign
    )


def token(*certificates: x509.Certificate | bytes) -> TokenInfo:
    pairs = tuple(
        (f"{n:02x}", one if isinstance(one, bytes) else one.public_bytes(Encoding.DER))
        for n, one in enumerate(certificates)
    )
    return TokenInfo("0001", "Chủ tịch", "SoftHSM", certificates=pairs)


def chosen(info: TokenInfo) -> str:
    key = best(info, NOW)
    return key.key_id if key else ""


def test_the_renewed_certificate_wins_over_the_old_one_that_is_still_valid(authority: pki.Authority) -> None:
    assert chosen(token(issued(authority, days_ago=300), issued(authority, days_ago=2))) == "01"


def test_a_certificate_for_signing_wins_over_a_newer_one_for_logging_in(authority: pki.Authority) -> None:
    assert chosen(token(issued(authority, 2, may_sign=False), issued(authority, 100))) == "01"


def test_expired_not_yet_valid_unreadable_and_authorities_come_last_with_the_reason(authority: pki.Authority) -> None:
    info = token(
        authority.intermediate, issued(authority, 400, 30), issued(authority, -3), b"rubbish", issued(authority)
    )
    ranked = candidates(info, NOW)
    assert ranked[0].usable
    assert ranked[0].key.key_id == "04"
    assert {c.key.key_id: c.problem for c in ranked[1:]} == {
        "00": AUTHORITY, "01": EXPIRED, "02": NOT_YET, "03": UNREADABLE,
    }  # fmt: skip


def test_nothing_is_chosen_where_nothing_can_sign(authority: pki.Authority) -> None:
    assert chosen(token(authority.root, issued(authority, 400, 30))) == ""
    assert chosen(token()) == ""


def test_what_is_chosen_names_the_token_and_the_certificate(authority: pki.Authority) -> None:
    certificate = issued(authority)
    key = best(token(certificate), NOW)
    assert key
    assert (key.token_serial, key.certificate) == ("0001", certificate.public_bytes(Encoding.DER))
