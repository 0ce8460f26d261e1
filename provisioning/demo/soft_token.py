"""Signing devices for the demo and the tests: SoftHSM tokens whose keys are made on the token and never leave it.

All PKCS#11 work happens in a child process (``python -m provisioning.demo.soft_token``) that reads one JSON request on
standard input: SoftHSM reads SOFTHSM2_CONF when it is loaded, PINs stay off command lines, and the caller's process
never loads a driver.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from appliance.errors import N_, ConfigError

KEY_ID = "01"
_CURVES = {"ec": "secp256r1", "ec384": "secp384r1"}
_LABEL_BYTES = 32  # CK_TOKEN_INFO.label, padded with blanks


@dataclass(frozen=True)
class SoftToken:
    """A new SoftHSM token: its serial, CKA_ID of its key (hexadecimal), public key (SubjectPublicKeyInfo, DER)."""

    serial: str
    key_id: str
    public_key: bytes


def make_store(directory: Path) -> Path:
    """Lay out a SoftHSM store below ``directory``; returns its configuration file (for SOFTHSM2_CONF)."""
    tokens = directory / "tokens"
    tokens.mkdir(parents=True, exist_ok=True, mode=0o700)
    configuration = directory / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = true\n",
        "utf-8",
    )
    return configuration


def make_token(
    configuration: Path, module: Path, *, label: str, pin: str, so_pin: str, key_type: str = "rsa"
) -> SoftToken:
    """A new token with one key pair made on it (``key_type`` 'rsa': RSA-2048, 'ec': P-256, 'ec384': P-384).

    Raises ConfigError when SoftHSM refuses.
    """
    reply = _run(configuration, module, op="make", label=label, pin=pin, so_pin=so_pin, key_type=key_type)
    return SoftToken(reply["serial"], KEY_ID, base64.b64decode(reply["public_key"]))


def write_certificate(
    configuration: Path, module: Path, token: SoftToken, pin: str, certificate: x509.Certificate
) -> None:
    """Put ``certificate`` on the token beside its key; raises ConfigError."""
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii")
    _run(configuration, module, op="certificate", serial=token.serial, pin=pin, key_id=token.key_id, der=der)


def public_key(token: SoftToken) -> Any:
    """The token's public key as a cryptography object."""
    return load_der_public_key(token.public_key)


def _run(configuration: Path, module: Path, **request: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "provisioning.demo.soft_token"],
        input=json.dumps({"module": str(module), **request}).encode("ascii"),
        capture_output=True,
        env={**os.environ, "SOFTHSM2_CONF": str(configuration)},
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )
    if not done.stdout:
        problem = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ConfigError(N_("Không tạo được thiết bị ký số thử nghiệm: %(problem)s"), problem=problem)
    reply: dict[str, Any] = json.loads(done.stdout)
    return reply


def _make(library: Any, request: dict[str, str]) -> dict[str, str]:
    """Initialise the free slot, set the PIN, make the key pair."""
    import pkcs11
    from pkcs11 import Attribute, KeyType, TokenFlag
    from pkcs11.util import ec, rsa

    slot = next(s for s in library.get_slots() if TokenFlag.TOKEN_INITIALIZED not in s.get_token().flags)
    before = {bytes(s.get_token().serial) for s in library.get_slots()}
    so_pin = request["so_pin"].encode("utf-8")
    label = request["label"].encode("utf-8")[:_LABEL_BYTES].ljust(_LABEL_BYTES)
    # python-pkcs11 has no call for it; the library is already loaded and initialised in this process
    code = ctypes.CDLL(request["module"]).C_InitToken(
        ctypes.c_ulong(slot.slot_id), so_pin, ctypes.c_ulong(len(so_pin)), label
    )
    if code:
        raise RuntimeError(f"C_InitToken: {code:#x}")
    library.reinitialize()  # SoftHSM numbers its slots anew
    token = next(t for t in library.get_tokens() if bytes(t.serial) not in before)
    with token.open(rw=True, so_pin=request["so_pin"]) as session:
        session.init_pin(request["pin"])
    with token.open(rw=True, user_pin=request["pin"]) as session:
        key_id = bytes.fromhex(KEY_ID)
        if named := _CURVES.get(request["key_type"]):
            curve = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: ec.encode_named_curve_parameters(named)}, local=True
            )
            public, _ = curve.generate_keypair(store=True, id=key_id, label=request["label"])
            spki = ec.encode_ec_public_key(public)
        else:
            public, _ = session.generate_keypair(
                pkcs11.KeyType.RSA, 2048, store=True, id=key_id, label=request["label"]
            )
            spki = _spki(rsa.encode_rsa_public_key(public))
    serial = bytes(token.serial).decode("ascii").strip("\0 ")
    return {"serial": serial, "public_key": base64.b64encode(spki).decode("ascii")}


def _spki(pkcs1: bytes) -> bytes:
    """SubjectPublicKeyInfo around an RSAPublicKey."""
    from asn1crypto.keys import PublicKeyInfo, RSAPublicKey

    wrapped: bytes = PublicKeyInfo.wrap(RSAPublicKey.load(pkcs1), "rsa").dump()
    return wrapped


def _certificate(library: Any, request: dict[str, str]) -> dict[str, str]:
    from pkcs11 import Attribute, CertificateType, ObjectClass

    token = next(t for t in library.get_tokens() if bytes(t.serial).decode("ascii").strip("\0 ") == request["serial"])
    der = base64.b64decode(request["der"])
    certificate = x509.load_der_x509_certificate(der)
    with token.open(rw=True, user_pin=request["pin"]) as session:
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.CERTIFICATE,
                Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                Attribute.TOKEN: True,
                Attribute.ID: bytes.fromhex(request["key_id"]),
                Attribute.SUBJECT: certificate.subject.public_bytes(),
                Attribute.ISSUER: certificate.issuer.public_bytes(),
                Attribute.VALUE: der,
            }
        )
    return {}


def main() -> None:
    """Answer one request; failures end the process with a traceback and no output."""
    import pkcs11

    request = json.loads(sys.stdin.read())
    library = pkcs11.lib(request["module"])
    reply = (_make if request["op"] == "make" else _certificate)(library, request)
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()
    os._exit(0)  # SoftHSM may crash in its exit handlers with OpenSSL 3


if __name__ == "__main__":
    main()
