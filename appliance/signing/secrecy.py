"""What keeps a PIN inside the memory of the process that holds it."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4  # prctl(2)


def keep_secrets() -> None:
    """No core file of this process and its forks, and nobody of the same user may read its memory.

    The limit alone is not enough: where the kernel pipes core files to a program, it pipes them whatever the limit
    says (core(5)); a process that is not dumpable has none.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process ``signal_number`` when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
