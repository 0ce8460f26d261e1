"""The bus's address book: who is reachable under which code, old codes included."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.errors import N_
from sync.reference_bus.config import OrganEntry
from sync.reference_bus.problems import UnknownOrgan


class Directory:
    """Organs by every code they have or had."""

    def __init__(self, organs: Iterable[OrganEntry]) -> None:
        self.organs = tuple(organs)
        self._by_code = {code: organ for organ in self.organs for code in (organ.code, *organ.old_codes)}

    def find(self, code: str) -> OrganEntry | None:
        """The organ that has or had ``code``."""
        return self._by_code.get(code)

    def resolve(self, code: str) -> OrganEntry:
        """Like ``find``; raises UnknownOrgan naming the code."""
        organ = self.find(code)
        if organ is None:
            raise UnknownOrgan(
                N_("Trục không có đơn vị mang mã định danh “%(code)s”."),
                next_step=N_("Kiểm tra lại mã trong danh bạ, hoặc gửi bản giấy."),
                code=code,
            )
        return organ

    def name(self, code: str) -> str:
        """The organ's name, or the code itself when nobody has it."""
        organ = self.find(code)
        return organ.name if organ else code
