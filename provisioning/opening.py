"""``tram open``: encrypted content opened with a plugged-in device, through the signer, which alone touches it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography import x509

from appliance.envelope import recipients, unseal
from appliance.errors import N_, BadInput, in_words
from appliance.signing.client import SignerClient
from appliance.signing.opening import DeviceKey
from appliance.signing.token import Pin, TokenKey


def open_with_device(client: SignerClient, file: Path, output: Path, ask_pin: Callable[[], str]) -> None:
    """Write the content of ``file`` to ``output``, which appears only when it is whole and true.

    Raises BadInput (no envelope, altered, for nobody whose device is here, ``output`` taken), SignerError.
    """
    temporary: Path | None = None
    try:
        data = file.read_bytes()
        certificate, key = _reader(client, data)
        if output.exists():
            raise FileExistsError(17, "đã có tệp này", str(output))
        opener = DeviceKey(certificate, key, Pin(ask_pin()), client)
        descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=".", suffix=".part")  # its owner's alone
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as target:
            unseal(data, opener, target)
            target.flush()
            os.fsync(target.fileno())
        os.link(temporary, output)  # unlike a rename, never over a file that came meanwhile
    except OSError as error:
        raise BadInput(
            N_("Không đọc hoặc ghi được tệp %(name)s: %(error)s."), name=error.filename or output, error=in_words(error)
        ) from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def _reader(client: SignerClient, data: bytes) -> tuple[x509.Certificate, TokenKey]:
    """The plugged-in certificate that the envelope names. Raises BadInput, SignerError."""
    named = recipients(data)
    for token in client.tokens():
        for key_id, der in token.certificates:
            try:
                certificate = x509.load_der_x509_certificate(der)
            except ValueError:
                continue  # a device may carry anything
            if any(one.is_for(certificate) for one in named):
                return certificate, TokenKey(token.serial, key_id, der)
    raise BadInput(
        N_("Nội dung này không mã hóa cho thiết bị nào đang cắm."),
        next_step=N_("Cắm thiết bị của cơ quan nhận rồi làm lại; nếu vẫn không được, đề nghị nơi gửi gửi lại."),
    )
