"""The box's own exceptions: one small hierarchy, each with a sentence a person can act on.

Messages are Vietnamese source texts (gettext msgids) with %(name)s placeholders; the web translates
``error.message`` and fills ``error.params``. ``N_`` marks a text for extraction without translating it here.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from appliance.regulation.rules import Rule


def N_(text: str) -> str:  # noqa: N802 - the gettext convention
    """Mark a Vietnamese source text for extraction; returns it unchanged."""
    return text


_FAULTS: dict[type[OSError], str] = {
    FileNotFoundError: N_("không có tệp hay thư mục này"),
    IsADirectoryError: N_("đây là thư mục"),
    NotADirectoryError: N_("đây không phải là thư mục"),
    FileExistsError: N_("đã có tệp mang tên này"),
    PermissionError: N_("không có quyền"),
}
_NUMBERED = {
    errno.ENOSPC: N_("đĩa đầy"),
    errno.EROFS: N_("chỉ đọc được, không ghi được"),
    errno.EADDRINUSE: N_("chương trình khác đang dùng"),
    errno.EADDRNOTAVAIL: N_("địa chỉ không có trên máy này"),
}


def in_words(error: OSError) -> str:
    """What the system refused, in Vietnamese where it is one of the usual reasons, without the file's name."""
    words = next((words for kind, words in _FAULTS.items() if isinstance(error, kind)), "")
    return words or _NUMBERED.get(error.errno or 0, "") or error.strerror or str(error)


class TramError(Exception):
    """Base of everything the box says "no" with.

    ``message``: Vietnamese source text with %(name)s placeholders; ``params`` fill it.
    ``next_step``: what the person does next, same form; ``permanent``: trying again unchanged cannot help.
    ``rule``: the rule of law that stopped the person, where there is one.
    """

    permanent = True
    status = 400

    def __init__(
        self,
        message: str,
        *,
        next_step: str = "",
        rule: Rule | None = None,
        permanent: bool | None = None,
        **params: Any,
    ) -> None:
        super().__init__(message % params if params else message)
        self.message = message
        self.next_step = next_step
        self.rule = rule
        self.params = params
        if permanent is not None:
            self.permanent = permanent

    @property
    def advice(self) -> str:
        """``next_step`` with its placeholders filled; '' where there is none."""
        return self.next_step % self.params if self.params else self.next_step


class BadInput(TramError):
    """What came in (a file, a form field, a package) cannot be used."""

    status = 422


class RuleRefused(TramError):
    """A rule of the regulation stops this step; ``rule`` says which."""

    status = 409


class NotAllowed(TramError):
    """This person's role does not include this step."""

    status = 403


class NotFound(TramError):
    """No such record, or not visible to this person."""

    status = 404


class WrongState(TramError):
    """The record has moved on since the page was opened."""

    status = 409


class Unavailable(TramError):
    """A part of the box (scanner, signer, clock, line, disk) cannot do its work now; try again later."""

    permanent = False
    status = 503


class SignerError(TramError):
    """The token or its module refused; ``code`` is the key of the one table of token failures."""

    status = 409

    def __init__(self, message: str, *, code: str, next_step: str = "", permanent: bool = True, **params: Any) -> None:
        super().__init__(message, next_step=next_step, permanent=permanent, **params)
        self.code = code


class ConfigError(TramError):
    """The configuration cannot be used; the program refuses to start."""
