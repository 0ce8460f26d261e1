"""The journal's chain from a document's first entry to its last, and the document's own entries in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.office.desk import Desk
from appliance.office.proof.parts import Parts, Step
from appliance.store import audit

OWN_ACTIONS = "proof."
"""Actions of making a proof: left out, so that the same document gives the same bytes twice."""
_CHAIN = "nhat-ky/chuoi.txt"
_LOOP = (
    "( p=; n=0; while IFS= read -r l; do"
    ' [ -z "$p" ] || case "$l" in *"\\"$p\\"]") ;; *) echo "ĐỨT/BROKEN: $n"; exit 1;; esac;'
    " p=$(printf '%s' \"$l\" | sha256sum | cut -c1-64); n=$((n+1)); done < " + _CHAIN + ' && echo "$n $p" )'
)
_OWN = (
    "( for f in nhat-ky/muc-*.json; do n=${f##*muc-}; n=${n%.json};"
    " h=$(sha256sum < \"$f\" | cut -c1-64); grep -q \"^\\[$n, \\\"$h\\\", \" " + _CHAIN
    + ' || { echo "SAI/WRONG: $f"; exit 1; }; done && echo OK )'
)  # fmt: skip


def about(desk: Desk, subjects: Sequence[str]) -> list[audit.Entry]:
    """The journal's entries about ``subjects`` that a proof hands out, oldest first."""
    marks = ", ".join("?" * len(subjects))
    query = f"SELECT seq FROM audit WHERE subject IN ({marks}) AND substr(action, 1, ?) <> ? ORDER BY seq"
    numbers = desk.db.execute(query, [*subjects, len(OWN_ACTIONS), OWN_ACTIONS]).fetchall()
    return [entry for (number,) in numbers for entry in audit.entries(desk.db, number, number)]


def add_journal(desk: Desk, parts: Parts) -> None:
    """Put the chain and the entries of ``parts.journal`` into ``parts``, with the steps that check them."""
    if not parts.journal:
        return
    first, last = parts.journal[0].seq, parts.journal[-1].seq

    def chain() -> Iterator[bytes]:
        for entry in audit.entries(desk.db, first, last):
            yield entry.link.encode() + b"\n"

    parts.put(_CHAIN, chain)
    for entry in parts.journal:
        if entry.content:
            parts.put(f"nhat-ky/muc-{entry.seq}.json", entry.content.encode())
    parts.steps.append(
        Step(
            ("Chuỗi nhật ký của trạm", "The chain of the box's journal"),
            (
                f"Mỗi dòng của {_CHAIN} kết thúc bằng mã băm của dòng trước; không mục nào ở giữa bị bỏ, thêm hay sửa"
                " sau đó mà chuỗi không đứt. Nội dung các mục về việc khác không được đưa ra, chỉ có mã băm của chúng."
                " KHÔNG chứng minh: thời điểm ghi trong nhật ký là giờ của chính trạm; người giữ trạm có thể làm lại"
                " cả chuỗi, trừ khi đầu chuỗi đã được người khác giữ.",
                f"Each line of {_CHAIN} ends with the hash of the line before; no entry in between can be left out,"
                " put in or changed later without breaking the chain. What other entries say is not disclosed, only"
                " their hashes. NOT proven: the times in the journal are the box's own; whoever holds the box could"
                " make the whole chain anew, unless somebody else kept its head.",
            ),
            ((_LOOP, f"{last - first + 1} {_hash(desk, last)}"),),
        )
    )
    if any(name.startswith("nhat-ky/muc-") for name in parts.members):
        parts.steps.append(
            Step(
                ("Các mục nhật ký về văn bản này", "The journal's entries about this document"),
                (
                    "Từng tệp nhat-ky/muc-N.json (số, thời điểm, người làm, việc, đối tượng, chi tiết, số ngẫu nhiên)"
                    " đúng là mục số N của chuỗi trên.",
                    "Each file nhat-ky/muc-N.json (number, time, actor, action, subject, detail, salt) is entry N of"
                    " that chain.",
                ),
                ((_OWN, "OK"),),
            )
        )


def _hash(desk: Desk, number: int) -> str:
    (entry,) = audit.entries(desk.db, number, number)
    return entry.hash
