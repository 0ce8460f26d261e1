"""Packages, receipts and the recipients' word as members of a proof, with the commands that check them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from appliance.office.proof.contents import places
from appliance.office.proof.parts import Parts, Step
from appliance.office.proof.statements import Statement, take_apart

BUS_CA = "chung-thu/ca-truc.pem"
_PURPOSE = {"R1": "sslserver", "R2": "sslclient"}


def add_package(
    parts: Parts, name: str, sha256: str, files: Mapping[str, str], *, arrived: str = "", taken: bool = True
) -> None:
    """A package's exact bytes; ``files``: digest → member for what may be inside. ``arrived``: who sent it to us.

    ``taken``: the bus has one of ours; otherwise it waits, was put aside or was refused, and proves no sending.
    """
    parts.put(name, sha256)
    known = _in_journal(parts, name, sha256)
    inside = [
        (
            f"tail -c +{one.offset + 1} {name} | head -c {one.length} | base64 -di"
            f" | cmp - {files[one.sha256]} && echo OK",
            "OK",
        )
        for one in places(parts.blobs.path(sha256), files)
    ]
    vi, en = "Gói tin đã gửi, đúng từng byte.", "The package as it was sent, byte by byte."
    if arrived:
        vi = f"Gói tin nhận từ “{arrived}”, đúng từng byte như trục đã chuyển."
        en = "The package as the bus handed it over."
    elif not taken:
        vi = "Gói tin đã lập; khi xuất bằng chứng này trục chưa xác nhận đã nhận. KHÔNG chứng minh: gói đã được gửi."
        en = "The package as it was made; the bus had not confirmed it when this proof was made."
        en += " NOT proven: that it was sent."
    vi += " Mã băm của nó có trong nhật ký của trạm." if known else ""
    en += " Its hash is in the box's journal." if known else ""
    vi += " Tệp văn bản nằm nguyên vẹn trong gói." if inside else ""
    en += " The document's file is in it, unchanged." if inside else ""
    if files and not inside:
        vi += " Không so sánh được với văn bản bằng các lệnh này: gói không mang tệp, hoặc tệp được nén hay mã hóa."
        en += " These commands cannot compare it with the document: it carries no file, or packed or encrypted ones."
    if arrived:
        vi += " KHÔNG chứng minh ai đã đưa gói lên trục; điều đó do chữ ký trên văn bản chứng minh."
        en += " NOT proven: who put it on the bus; the signatures on the document prove their signers."
    parts.steps.append(Step((f"Gói tin {name}", f"Package {name}"), (vi, en), (*known, *inside)))


def add_arrived(parts: Parts, name: str, sha256: str, words: str, sender: str) -> None:
    """A status package that came back."""
    parts.put(name, sha256)
    parts.steps.append(
        Step(
            (f"Trạng thái {words} của {sender}", f"Status {name}"),
            (
                "Gói trạng thái đúng từng byte như trục đã chuyển; mã băm của nó có trong nhật ký của trạm."
                " KHÔNG chứng minh: gói trạng thái không có chữ ký số của nơi nhận.",
                "The status package as the bus handed it over; its hash is in the box's journal."
                " NOT proven: a status package carries no digital signature of the recipient.",
            ),
            _in_journal(parts, name, sha256),
        )
    )


def add_statement(parts: Parts, base: str, sha256: str, package: str, level: str, code: str) -> None:
    """A receipt of the bus (R1) or a recipient's word (R2), whole and taken apart."""
    token = parts.blobs.read(sha256)
    found = take_apart(token)
    if found is None:
        name = parts.put(f"{base}.txt", token)
        parts.steps.append(
            Step(
                (f"Trả lời của trục {name}", f"The bus's answer {name}"),
                (
                    "Trục này không ký biên nhận: đây là câu trả lời (mã trên trục, giờ của kết nối TLS) mà trạm đã"
                    " lưu. Bằng chứng yếu: chỉ có lời của trạm và nhật ký.",
                    "This bus signs no receipts: this is its answer (id on the bus, time of the TLS connection) as"
                    " the box kept it. Weak: there is only the box's word and its journal.",
                ),
                _in_journal(parts, name, hashlib.sha256(token).hexdigest()),
            )
        )
        return
    for ending, data in (
        (".jws", token), (".duoc-ky.txt", found.signed), (".noi-dung.json", found.payload),
        (".chu-ky.der", found.signature), (".chung-thu.pem", found.certificates),
    ):  # fmt: skip
        parts.put(base + ending, data)
    when = str(found.facts.get("acceptedAt") or found.facts.get("at"))
    words = {
        "R1": (
            f"Biên nhận của trục ({when})", f"The bus's receipt ({when})",
            "Trục liên thông đã nhận đúng gói tin này vào thời điểm trục ghi, và không thể chối.",
            "The bus took exactly this package at the time that it names, and cannot deny it.",
        ),
        "R2": (
            f"Xác nhận của nơi nhận {code} ({when})", f"The word of recipient {code} ({when})",
            "Máy nơi nhận đã có đúng gói tin này vào thời điểm máy đó ghi.",
            "The recipient's box held exactly this package at the time that it names.",
        ),
    }[level]  # fmt: skip
    trust = (
        f" Tin được khi {BUS_CA} đúng là CA của trục (so dấu vân tay với nơi công bố, xem bước về chứng thư)."
        " KHÔNG chứng minh: thời điểm là giờ của bên ký.",
        f" Holds if {BUS_CA} is the bus's authority (compare its fingerprint, see the step on certificates)."
        " NOT proven: the time is the signer's own.",
    )
    parts.steps.append(
        Step((words[0], words[1]), (words[2] + trust[0], words[3] + trust[1]), _commands(base, found, package, level))
    )


def _commands(base: str, found: Statement, package: str, level: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"cut -d. -f1,2 {base}.jws | tr -d '\\n' | cmp - {base}.duoc-ky.txt && echo OK", "OK"),
        (
            f"printf '%s{found.padding}' \"$(cut -d. -f2 {base}.jws)\" | tr '_-' '/+' | base64 -d"
            f" | cmp - {base}.noi-dung.json && echo OK",
            "OK",
        ),
        (
            f"openssl verify -partial_chain -CAfile {BUS_CA} -untrusted {base}.chung-thu.pem"
            f" -purpose {_PURPOSE[level]} -attime {found.moment} {base}.chung-thu.pem",
            "OK",
        ),
        (
            f"openssl x509 -in {base}.chung-thu.pem -noout -pubkey | openssl dgst -{found.digest} {found.options}"
            f"-verify /dev/stdin -signature {base}.chu-ky.der {base}.duoc-ky.txt",
            "Verified OK",
        ),
        (
            f'grep -Eq "\\"sha256\\": ?\\"$(sha256sum < {package} | cut -c1-64)\\"" {base}.noi-dung.json && echo OK',
            "OK",
        ),
    )


def _in_journal(parts: Parts, name: str, sha256: str) -> tuple[tuple[str, str], ...]:
    """The command that finds the member's hash in the journal; none when the journal does not name it."""
    if not any(sha256 in entry.content for entry in parts.journal):
        return ()
    return ((f'grep -q "$(sha256sum < {name} | cut -c1-64)" nhat-ky/muc-*.json && echo OK', "OK"),)
