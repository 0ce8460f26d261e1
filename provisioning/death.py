"""Ends of processes on Linux: a child that dies with its parent, a group that leaves nobody behind."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec only the plainest calls are safe.
_libc = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> Callable[[], None]:
    """For ``preexec_fn``: the child gets SIGTERM when the thread of ``parent`` that started it ends (prctl(2))."""

    def arrange() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent died before the arrangement was made
            os._exit(1)

    return arrange


def ended(pid: int) -> bool:
    """Whether the child ``pid`` has ended; it is not collected, so its number stays taken. Raises ChildProcessError."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill_group(leader: int) -> None:
    """SIGKILL to every member of the group of ``leader``, which has not been collected yet."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nobody left (for a group of zombies the kernel may say "no permission")
