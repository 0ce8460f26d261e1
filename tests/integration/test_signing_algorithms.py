"""Every kind of key and padding of the policy, on whole documents by the real signer; strangers' tools agree."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from appliance.config import Settings
from appliance.errors import SignerError
from appliance.signing.algorithms import SCHEMES, Scheme, scheme_for
from appliance.signing.client import SignerClient
from appliance.signing.token import Pin, TokenKey
from appliance.signing.validate import validate
from provisioning.demo import pki
from tests.shim.module import make_shim
from tests.signing_fixtures import LEADER, LEADER_PIN, ORGAN, SignerProcess, Signing, signing  # noqa: F401


class Asking(SignerProcess):
    """The running signer, asked with another wish for the padding."""

    def __init__(self, running: SignerProcess, rsa_padding: str) -> None:
        super().__init__(running.settings, running.configuration)
        self.client = SignerClient(running.settings.signer_socket, rsa_padding=rsa_padding)


@pytest.fixture(scope="module")
def keys(signing: Signing) -> dict[str, TokenKey]:  # noqa: F811
    """A leader's token per kind of key; all have the leader's PIN."""
    module = signing.service.settings.pkcs11_modules[0]
    made = {
        kind: pki.make_signer(
            signing.authority, signing.configuration, module, label=f"Khóa {kind}", pin=LEADER_PIN,
            common_name=LEADER, organ=ORGAN, key_type=kind,
        )
        for kind in ("ec", "ec384")
    }  # fmt: skip
    return {"rsa": signing.leader, **made}


CASES = {
    ("rsa", "pkcs1v15"): ("rsassa_pkcs1v15", "sha256"),
    ("rsa", "pss"): ("rsassa_pss", "sha256"),
    ("ec", "pkcs1v15"): ("ecdsa", "sha256"),
    ("ec384", "pss"): ("ecdsa", "sha384"),
}


@pytest.mark.parametrize(("kind", "padding"), CASES)
def test_both_signatures_hold_for_us_for_pyhanko_and_where_it_can_for_pdfsig(
    signing: Signing,  # noqa: F811
    keys: dict[str, TokenKey],
    kind: str,
    padding: str,
    tmp_path: Path,
) -> None:
    office = replace(signing, leader=keys[kind], service=Asking(signing.service, padding))
    sealed = office.sealed()
    report = validate(sealed, signing.trust)
    assert report.verdict == "valid", [signature.reasons for signature in report.signatures]
    path = tmp_path / "sealed.pdf"
    path.write_bytes(sealed)
    with path.open("rb") as file:
        first, second = PdfFileReader(file).embedded_signatures
        context = ValidationContext(
            trust_roots=list(signing.trust.roots), other_certs=list(signing.trust.intermediates),
            crls=list(signing.trust.crls), revocation_mode="hard-fail",
        )  # fmt: skip
        for signature in (first, second):
            assert validate_pdf_signature(signature, context).bottom_line
        said = first.signer_info["signature_algorithm"]
        assert (said.signature_algo, said.hash_algo) == CASES[kind, padding]
        assert first.md_algorithm == CASES[kind, padding][1]
    # poppler 22.12 with NSS reads all four
    shown = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=True).stdout
    assert shown.count("Signature Validation: Signature is Valid.") == 2


@pytest.mark.parametrize(
    ("without", "padding", "made"),
    [
        ("0xd 0x43", "pss", "rsassa_pkcs1v15"),  # CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS
        ("0x43", "pss", "rsassa_pss"),
        ("0x40", "pkcs1v15", "rsassa_pkcs1v15"),  # CKM_SHA256_RSA_PKCS
    ],
)
def test_an_older_token_signs_with_what_it_can(
    signing: Signing,  # noqa: F811
    tmp_path: Path,
    without: str,
    padding: str,
    made: str,
) -> None:
    shim = make_shim(tmp_path / "old.so", signing.service.settings.pkcs11_modules[0])
    shim.behave(f"without {without}")
    service = SignerProcess(Settings(data=tmp_path, pkcs11_modules=(shim.path,)), signing.configuration)
    service.start()
    try:
        office = replace(signing, service=Asking(service, padding))
        signed = office.sign(office.prepared()[0])
    finally:
        service.stop()
    assert validate(signed, signing.trust).verdict == "valid"
    signature = PdfFileReader(io.BytesIO(signed)).embedded_signatures[0]
    assert signature.signer_info["signature_algorithm"].signature_algo == made


def test_a_token_that_can_do_none_of_it_says_so(signing: Signing, tmp_path: Path) -> None:  # noqa: F811
    shim = make_shim(tmp_path / "poor.so", signing.service.settings.pkcs11_modules[0])
    shim.behave("without 0x1 0x40")
    service = SignerProcess(Settings(data=tmp_path, pkcs11_modules=(shim.path,)), signing.configuration)
    service.start()
    try:
        with pytest.raises(SignerError) as caught:
            service.client.sign(signing.leader, Pin(LEADER_PIN), b"data", Scheme("rsa-pkcs1", "sha256"))
        assert caught.value.code == "unsupported"
    finally:
        service.stop()


def test_devices_say_what_they_can_do(signing: Signing) -> None:  # noqa: F811
    listed = {token.serial: token for token in signing.client.tokens()}
    assert set(listed[signing.leader.token_serial].schemes) == set(SCHEMES)


def test_the_policy_decides_scheme_and_hash(signing: Signing) -> None:  # noqa: F811
    rsa = x509.Certificate.load(signing.leader.certificate)
    assert scheme_for(rsa, "pkcs1v15") == Scheme("rsa-pkcs1", "sha256")
    assert scheme_for(rsa, "pss", ("rsa-pkcs1", "rsa-pss")) == Scheme("rsa-pss", "sha256")
    assert scheme_for(rsa, "pss", ("rsa-pkcs1",)) == Scheme("rsa-pkcs1", "sha256")
