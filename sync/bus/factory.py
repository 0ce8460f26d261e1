"""From the settings to the client of the bus: the only place that knows which dialects there are."""

from __future__ import annotations

from appliance.config import Settings
from sync.bus.base import BusClient
from sync.bus.lgsp.client import LgspClient
from sync.bus.native.client import NativeClient
from sync.bus.vxp.client import VxpClient


def make_client(settings: Settings) -> BusClient:
    """A client of the dialect ``settings.bus_dialect``. Raises ConfigError naming what is missing or cannot be used."""
    if settings.bus_dialect == "vxp":
        return VxpClient(settings)
    if settings.bus_dialect == "lgsp":
        return LgspClient(settings)
    return NativeClient(settings)
