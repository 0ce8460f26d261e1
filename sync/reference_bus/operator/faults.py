"""The line's switches in words and as buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from appliance.errors import N_, BadInput
from sync.reference_bus.line import Faults


@dataclass(frozen=True)
class Preset:
    """One button: its name, what it shows, the switches it sets (all others off)."""

    slug: str
    label: str
    shows: str
    faults: Faults


PRESETS = (
    Preset("good", "Thông suốt", "Tắt mọi lỗi.", Faults()),
    Preset("down", "Mất đường truyền", "Cắt mọi kết nối đang mở, từ chối kết nối mới.", Faults(down=True)),
    Preset("stall", "Treo", "Kết nối vẫn mở nhưng không có gì đi qua.", Faults(stall=True)),
    Preset("slow", "Rất chậm", "32 kbit/giây, trễ 0,3 giây mỗi chiều.", Faults(bytes_per_second=4000, latency_ms=300)),
    Preset(
        "drop-once",
        "Mất câu trả lời một lần",
        "Trục nhận đủ gói tin kế tiếp (từ 8 KB) nhưng trạm không nhận được biên nhận.",
        Faults(drop_answer="once", drop_answer_from=8000),
    ),
    Preset("cut", "Đứt giữa chừng", "Mỗi lần gửi bị cắt sau 20 KB.", Faults(cut_after=20_000)),
)


def describe(faults: Faults) -> list[str]:
    """What is wrong with the line, a sentence each; empty when nothing is."""
    words = []
    if faults.down:
        words.append("Mất đường truyền: mọi kết nối bị cắt.")
    if faults.stall:
        words.append("Đường truyền treo: kết nối mở nhưng không có gì đi qua.")
    if faults.bytes_per_second:
        words.append(f"Chậm: {faults.bytes_per_second} byte/giây.")
    if faults.latency_ms:
        words.append(f"Trễ {faults.latency_ms} ms mỗi chiều.")
    if faults.drop_answer != "off":
        often = "một lần" if faults.drop_answer == "once" else "mọi lần"
        size = f", chỉ với yêu cầu từ {faults.drop_answer_from} byte" if faults.drop_answer_from else ""
        words.append(f"Mất câu trả lời của trục ({often}{size}).")
    if faults.cut_after:
        words.append(f"Đứt sau {faults.cut_after} byte gửi đi.")
    return words


def from_form(form: Mapping[str, str]) -> dict[str, object]:
    """All switches, from a preset's button or from the detailed form. Raises BadInput."""
    if "preset" in form:
        for preset in PRESETS:
            if preset.slug == form["preset"]:
                return asdict(preset.faults)
        raise BadInput(N_("Không có kiểu đường truyền này."))
    return {
        "down": form.get("down") == "1",
        "stall": form.get("stall") == "1",
        "drop_answer": form.get("drop_answer", "off"),
        **{key: _number(form, key) for key in ("bytes_per_second", "latency_ms", "drop_answer_from", "cut_after")},
    }


def _number(form: Mapping[str, str], key: str) -> int:
    text = form.get(key, "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(N_("Giá trị của công tắc “%(key)s” không dùng được."), key=key)
    return int(text)
