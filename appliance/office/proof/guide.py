"""HUONG-DAN.txt: every step with its exact commands, what they print, what it proves and what not."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.office.proof.parts import Step

NAME = "HUONG-DAN.txt"
SUMS = "SHA256SUMS"
COMMAND, PRINTS = "  $ ", "  → "

_FIRST = Step(
    ("Các tệp còn nguyên", "The files are whole"),
    (
        "Không tệp nào bị đổi từ khi gói bằng chứng này được lập. KHÔNG chứng minh nguồn gốc: ai cũng lập được"
        " SHA256SUMS; nguồn gốc do các bước sau chứng minh.",
        "No file has changed since this proof was made. NOT proven: where it comes from; anybody can make SHA256SUMS."
        " The steps that follow prove that.",
    ),
    ((f"sha256sum --strict --quiet -c {SUMS} && echo OK", "OK"),),
)


def text(title: str, steps: Sequence[Step]) -> str:
    """The guide of one proof."""
    lines = [
        "BẰNG CHỨNG GỬI, NHẬN CỦA MỘT VĂN BẢN ĐIỆN TỬ / PROOF OF ONE ELECTRONIC DOCUMENT",
        "",
        " ".join(title.split()),
        "",
        "Giải nén vào một thư mục trống, mở dòng lệnh (sh) trong thư mục đó, chạy lần lượt các lệnh sau dấu $.",
        "Chỉ cần công cụ có sẵn: coreutils, grep, openssl (từ 3.0), pdfsig (poppler, từ 22.12).",
        "Sau dấu → là điều lệnh phải in ra; lệnh không có dấu → chỉ để xem. Một lệnh in khác hoặc báo lỗi:",
        "phần đó không còn là bằng chứng.",
        "",
        "Unpack into an empty folder, open a shell (sh) there and run the commands after $ one after the other.",
        "Public tools suffice: coreutils, grep, openssl (3.0 or newer), pdfsig (poppler, 22.12 or newer).",
        "After → stands what a command must print; one without → is only to look at. Where a command prints something",
        "else or fails, that part proves nothing.",
    ]
    for number, step in enumerate((_FIRST, *steps), 1):
        # what came from outside (names, subjects) stays on its line: it must not look like a command
        head, *words = (" ".join(part.split()) for part in (" / ".join(step.title), *step.proves))
        lines += ["", f"{number}. {head}", *(f"   {one}" for one in words)]
        for command, prints in step.commands:
            lines += [COMMAND + command, *([PRINTS + prints] if prints else [])]
    return "\n".join(lines) + "\n"


def commands(guide: str) -> list[tuple[str, str]]:
    """(command, what it must print or '') of a guide, in its order."""
    found: list[tuple[str, str]] = []
    for line in guide.splitlines():
        if line.startswith(COMMAND):
            found.append((line.removeprefix(COMMAND), ""))
        elif line.startswith(PRINTS) and found:
            found[-1] = (found[-1][0], line.removeprefix(PRINTS))
    return found
