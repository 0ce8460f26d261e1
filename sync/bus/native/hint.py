"""The time by a handshake that proves nothing: only to tell a person that our own clock may be the wrong one.

With a wildly wrong clock TLS itself fails, and with it every way to learn the right time from the bus (bus-link C.5).
"""

from __future__ import annotations

import ssl
import time

import httpx

from appliance.config import Settings
from sync.bus.base import BusTime
from sync.bus.native.tls import no_password
from sync.bus.wire import date_of, new_http

_TIMEOUT = httpx.Timeout(15)


def date_hint(settings: Settings) -> BusTime | None:
    """The Date header of whoever answers at the bus's address; None when nobody does. Nothing of ours is sent.

    Our certificate is shown, because the bus hangs up without one; it serves nobody for anything else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    wall, start = time.time(), time.monotonic()
    try:
        context.load_cert_chain(str(settings.link_certificate), str(settings.link_key), password=no_password)
        with new_http(context, _TIMEOUT, keep=0) as http:
            answer = http.head(f"{settings.bus_url.rstrip('/')}/time")
    except (OSError, httpx.HTTPError):
        return None
    return date_of(answer, wall, time.monotonic() - start)
