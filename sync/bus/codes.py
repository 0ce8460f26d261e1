"""What the error codes of the Vietnamese buses mean, and whose fault they are (data: codes.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import N_
from sync.bus.base import BusError, Fault, Outcome, SendResult

_FIX_ACCOUNT = N_("Kỹ thuật viên kiểm tra bus_system_id và tệp bus_secret_file với đơn vị vận hành trục.")

FIX_SENDER = N_("Kỹ thuật viên đăng ký cơ quan gửi với đơn vị vận hành trục; trạm tự gửi tiếp khi trục chấp nhận.")
_NEXT_STEP = {Fault.LINK: _FIX_ACCOUNT, Fault.SENDER: FIX_SENDER}


@dataclass(frozen=True)
class Code:
    """One known code."""

    fault: Fault
    meaning: str


def _table() -> dict[str, Code]:
    raw = tomllib.loads((Path(__file__).with_name("codes.toml")).read_text("utf-8"))
    return {number: Code(Fault(row["fault"]), row["meaning"]) for number, row in raw.items()}


CODES = _table()
_UNKNOWN = Code(Fault.NONE, N_("Trục báo lỗi chưa rõ nghĩa."))


def in_words(code: str, said: str) -> str:
    """The meaning, then the bus's own number and words."""
    own = f" ({said[:300]})" if said else ""
    return f"{CODES.get(code, _UNKNOWN).meaning} Mã {code or '?'}{own}"


def refusal(code: str, said: str, *, http_status: int, bytes_sent: int = 0) -> BusError:
    """The error for a request that the bus properly answered with ``code``."""
    fault = CODES.get(code, _UNKNOWN).fault
    return BusError(
        N_("%(detail)s"),
        next_step=_NEXT_STEP.get(fault, ""),
        permanent=fault in (Fault.PACKAGE, Fault.ORGAN),
        connected=True,
        bytes_sent=bytes_sent,
        http_status=http_status,
        fault=fault if fault in _NEXT_STEP else Fault.NONE,
        detail=in_words(code, said),
    )


def refused_send(code: str, said: str, *, http_status: int, bytes_sent: int) -> SendResult:
    """REJECTED where a person must act on the package or an organ; BusError where the same package may go later."""
    found = CODES.get(code, _UNKNOWN)
    if found.fault in (Fault.PACKAGE, Fault.ORGAN):
        return SendResult(
            Outcome.REJECTED, reason=in_words(code, said), bytes_sent=bytes_sent, http_status=http_status,
            fault=found.fault,
        )  # fmt: skip
    raise refusal(code, said, http_status=http_status, bytes_sent=bytes_sent)


def refused_package(reason: str, http_status: int, bytes_sent: int) -> SendResult:
    """REJECTED for what the package is."""
    return SendResult(
        Outcome.REJECTED, reason=reason, bytes_sent=bytes_sent, http_status=http_status, fault=Fault.PACKAGE
    )
