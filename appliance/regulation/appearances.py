"""How signatures look, as data: a profile for each rule set, a case for each kind of signature (appearances.toml)."""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from appliance.clock import VN
from appliance.errors import N_, ConfigError

CASES = ("personal", "seal", "annex", "copy")
"""The leader's signature; the organ's on the main document; on an annex in another file; on an electronic copy."""
PLACES = ("between-title-and-name", "over-signature", "top-right")


@dataclass(frozen=True)
class Appearance:
    """One case of one profile. ``size`` in points; ``colour`` red, green, blue from 0 to 1."""

    profile: str
    case: str
    article: str
    place: str
    image: bool
    lines: tuple[str, ...]
    size: float
    colour: tuple[float, float, float]
    time: str

    def texts(self, at: datetime, **values: str) -> tuple[str, ...]:
        """The lines as written at ``at``: {organ}, {code}, {form} from ``values``, {time} at +07:00; NFC."""
        time = at.astimezone(VN).strftime(self.time)
        return tuple(unicodedata.normalize("NFC", line.format(time=time, **values)) for line in self.lines)


def _read() -> tuple[dict[str, str], dict[str, str], dict[tuple[str, str], Appearance]]:
    """(rule set → profile, profile → name, (profile, case) → appearance) from the table beside this module."""
    table = tomllib.loads((files("appliance.regulation") / "appearances.toml").read_text("utf-8"))
    rule_sets: dict[str, str] = table.pop("rule_sets")
    names = {profile: str(cases["name"]) for profile, cases in table.items()}
    looks = {(profile, case): _appearance(profile, case, table[profile][case]) for profile in names for case in CASES}
    return rule_sets, names, looks


def _appearance(profile: str, case: str, row: dict[str, Any]) -> Appearance:
    if row["place"] not in PLACES:
        raise ValueError(f"unknown place in {profile}.{case}: {row['place']}")
    red, green, blue = row["colour"]
    values = {**row, "lines": tuple(row["lines"]), "colour": (red, green, blue)}
    return Appearance(profile=profile, case=case, **values)


_RULE_SETS, PROFILES, _LOOKS = _read()


def profile_of(rule_set: str, chosen: str = "") -> str:
    """The profile in force: the one ``chosen`` in the settings, else the rule set's. Raises ConfigError."""
    profile = chosen or _RULE_SETS.get(rule_set, "")
    if profile not in PROFILES:
        raise ConfigError(
            N_("Không có mẫu chữ ký số “%(profile)s” cho bộ quy tắc “%(rule_set)s”"),
            next_step=N_("Đặt khóa appearance là một trong: %(known)s"),
            profile=profile,
            rule_set=rule_set,
            known=", ".join(PROFILES),
        )
    return profile


def appearance(profile: str, case: str) -> Appearance:
    """How ``case`` looks under ``profile``. Raises KeyError for a name that is in no table."""
    return _LOOKS[profile, case]
