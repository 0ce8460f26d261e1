"""The TLS context of the link: the province's CA pinned, our certificate shown, TLS 1.2 or better. No way around it."""

from __future__ import annotations

import ssl
from contextlib import suppress

from cryptography import x509

from appliance.config import Settings
from appliance.errors import N_, ConfigError
from sync import jws
from sync.bus.native import renewal


def client_context(settings: Settings) -> ssl.SSLContext:
    """A context that trusts only the CA of ``settings.bus_ca``. Raises ConfigError naming what cannot be used."""
    files = {"bus_ca": settings.bus_ca, "link_certificate": settings.link_certificate, "link_key": settings.link_key}
    for key, path in files.items():
        if path is None:
            raise ConfigError(N_("Cấu hình kết nối trục thiếu khóa %(key)s."), key=key)
    if settings.link_certificate and settings.link_key:
        with suppress(OSError):  # then the pair is used as it lies there
            renewal.finish(settings.link_certificate, settings.link_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=str(settings.bus_ca))
        context.load_cert_chain(str(settings.link_certificate), str(settings.link_key), password=no_password)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            N_("Không dùng được chứng thư kết nối trục (%(error)s)."),
            next_step=N_("Kỹ thuật viên kiểm tra các tệp bus_ca, link_certificate, link_key."),
            error=error,
        ) from error
    return context


def authorities(settings: Settings) -> list[x509.Certificate]:
    """The pinned authorities, for what is signed and not spoken. Raises ConfigError."""
    try:
        return x509.load_pem_x509_certificates(settings.bus_ca.read_bytes() if settings.bus_ca else b"")
    except (OSError, ValueError) as error:
        raise ConfigError(
            N_("Không dùng được chứng thư kết nối trục (%(error)s)."),
            next_step=N_("Kỹ thuật viên kiểm tra tệp bus_ca."),
            error=error,
        ) from error


def no_password() -> bytes:
    """Never stop a service to ask on a terminal; an encrypted key is a configuration error."""
    raise ssl.SSLError("the key file is encrypted")


def own_organs(settings: Settings) -> tuple[str, ...]:
    """The codes of the organs that the link certificate names. Raises ConfigError for a file that holds none."""
    assert settings.link_certificate is not None, "client_context has been made from it"
    try:
        return jws.organ_codes(x509.load_pem_x509_certificates(settings.link_certificate.read_bytes())[0])
    except (OSError, ValueError) as error:
        raise ConfigError(N_("Không dùng được chứng thư kết nối trục (%(error)s)."), error=error) from error
