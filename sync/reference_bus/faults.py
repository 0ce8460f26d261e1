"""Faults on purpose in front of the bus's API, each for the next requests that match (bus-link C.9).

What breaks below HTTP is in ``line``; what is wrong with the machine as a whole is in ``conditions``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from fnmatch import fnmatchcase

from appliance.errors import N_, BadInput


@dataclass(frozen=True)
class Kind:
    """One way to fail. ``does`` and ``ends`` (what a box should come to) are shown on the operator page."""

    slug: str
    label: str
    does: str
    ends: str
    value: str = ""
    """What ``Fault.value`` means here; empty: nothing."""
    default: int = 0


KINDS = {
    kind.slug: kind
    for kind in (
        Kind(
            "drop-before-body", "Cắt trước phần thân", "Trục đọc phần đầu yêu cầu rồi cắt kết nối.",
            "Trạm chờ gửi lại (waiting); trục không có gì; sau đó văn bản đến đúng một lần.",
        ),
        Kind(
            "drop-after-body", "Cắt sau phần thân, chưa ghi", "Trục đọc hết yêu cầu, không làm gì, cắt kết nối.",
            "Trạm chưa chắc chắn (uncertain), hỏi lại, trục chưa có: gửi lại cùng mã; đến đúng một lần.",
        ),
        Kind(
            "drop-answer", "Ghi xong, mất câu trả lời", "Trục làm xong việc rồi cắt kết nối trước khi trả lời.",
            "Trạm chưa chắc chắn (uncertain), hỏi lại, nhận đúng biên nhận đầu; trục chỉ có một gói.",
        ),
        Kind(
            "cut-answer", "Câu trả lời đứt giữa chừng", "Trục gửi một phần câu trả lời rồi cắt kết nối.",
            "Trạm tải tiếp phần còn thiếu; nội dung nhận được đúng giá trị băm.",
            "số byte của câu trả lời còn đi qua", 1000,
        ),
        Kind(
            "stall", "Treo", "Trục giữ yêu cầu, không đọc và không trả lời trong thời gian này, rồi làm như thường.",
            "Trạm hết thời gian chờ: waiting khi chưa gửi hết, uncertain khi đã gửi hết; đến đúng một lần.",
            "số giây", 60,
        ),
        Kind(
            "error", "Trả lời lỗi HTTP", "Trục không làm gì và trả lời mã lỗi này, với Retry-After 1 giây.",
            "Trạm chờ gửi lại (waiting), tôn trọng Retry-After; đến đúng một lần.",
            "mã lỗi, 400 đến 599", 503,
        ),
        Kind(
            "refused-inside-200", "200 nhưng bên trong là lỗi", "Trả lời 200 với thân JSON {code: 500}.",
            "Trạm không coi là đã nhận: waiting hoặc uncertain, rồi đến đúng một lần.",
        ),
        Kind(
            "captive-portal", "Trang đăng nhập mạng", "Trả lời bằng trang HTML (200), hoặc chuyển hướng tới nó (302).",
            "Trạm không coi là đã nhận, không đi theo chuyển hướng; waiting, rồi đến đúng một lần.",
            "200 hoặc 302", 200,
        ),
        Kind(
            "corrupt-body", "Hỏng khi đi lên", "Lật một bit ở giữa phần thân của yêu cầu.",
            "Trục từ chối vì sai giá trị băm, không giữ gì; trạm gửi lại và đến đúng một lần.",
        ),
        Kind(
            "corrupt-answer", "Hỏng khi đi xuống", "Lật một bit ở giữa phần thân của câu trả lời.",
            "Trạm thấy sai giá trị băm, không báo đã nhận, tải lại; chỉ giữ nội dung đúng.",
        ),
        Kind(
            "list-twice", "Liệt kê hai lần", "Mỗi mục trong danh sách trả lời có mặt hai lần.",
            "Trạm giữ một bản, báo đã nhận một lần.",
        ),
        Kind(
            "list-backwards", "Liệt kê ngược",
            "Danh sách trả lời theo thứ tự ngược: trạng thái trước văn bản, 03 trước 01.",
            "Không mất mục nào; trạng thái cao nhất vẫn đứng.",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One switched-on fault: it strikes ``times`` requests (0: until switched off) after letting ``skip`` pass."""

    kind: str
    method: str = "*"
    path: str = "*"
    """Shell pattern over the request's path, for example '/v1/inbox/*/content'."""
    times: int = 1
    skip: int = 0
    at_least: int = 0
    """Only requests whose body announces at least this many bytes."""
    value: int = -1
    """What the kind says; -1: its default."""
    number: int = 0
    struck: int = 0

    @property
    def amount(self) -> int:
        """``value`` or the kind's default."""
        return KINDS[self.kind].default if self.value < 0 else self.value

    def matches(self, method: str, path: str, length: int) -> bool:
        """Whether a request is one of those meant."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path) and length >= self.at_least


@dataclass
class Switchboard:
    """The faults that are on, oldest first; of those that match a request the first strikes."""

    _on: list[Fault] = field(default_factory=list)
    _last: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)
    cleared: threading.Event = field(default_factory=threading.Event)
    """Set when everything was switched off; what stalls then goes on."""

    def add(self, values: Mapping[str, object]) -> Fault:
        """Switch a fault on. Raises BadInput naming what makes no sense."""
        fault = _checked(values)
        with self._guard:
            self._last += 1
            fault = replace(fault, number=self._last)
            self._on.append(fault)
            self.cleared.clear()
        return fault

    def remove(self, number: int) -> None:
        """Switch one off; an unknown number does nothing."""
        with self._guard:
            self._on = [fault for fault in self._on if fault.number != number]

    def clear(self) -> None:
        """Switch everything off."""
        with self._guard:
            self._on = []
            self.cleared.set()

    def state(self) -> list[dict[str, object]]:
        """What is on, for JSON."""
        with self._guard:
            return [asdict(fault) for fault in self._on]

    def take(self, method: str, path: str, length: int) -> Fault | None:
        """The fault that strikes this request; used up by it."""
        with self._guard:
            for place, fault in enumerate(self._on):
                if not fault.matches(method, path, length):
                    continue
                if fault.skip:
                    self._on[place] = replace(fault, skip=fault.skip - 1)
                    continue
                fault = self._on[place] = replace(fault, struck=fault.struck + 1)
                if fault.times and fault.struck >= fault.times:
                    del self._on[place]
                return fault
        return None


def _checked(values: Mapping[str, object]) -> Fault:
    settable = {f.name: type(f.default) for f in fields(Fault) if f.name not in ("kind", "number", "struck")}
    if values.get("kind") not in KINDS:
        raise BadInput(N_("Trục không có kiểu lỗi “%(kind)s”."), kind=str(values.get("kind"))[:40])
    for key, value in values.items():
        if key != "kind" and key not in settable:
            raise BadInput(N_("Lỗi không có công tắc “%(key)s”."), key=key[:40])
        if key != "kind" and (type(value) is not settable[key] or (type(value) is int and not -1 <= value < 1 << 40)):
            raise BadInput(N_("Giá trị của công tắc “%(key)s” không dùng được."), key=key)
    fault = Fault(**values)  # type: ignore[arg-type]
    wrong_status = fault.kind == "error" and not 400 <= fault.amount <= 599
    wrong_portal = fault.kind == "captive-portal" and fault.amount not in (200, 302)
    if wrong_status or wrong_portal or min(fault.times, fault.skip, fault.at_least) < 0:
        raise BadInput(N_("Giá trị của công tắc “%(key)s” không dùng được."), key="value")
    return fault
