"""A file's validation report as pages and the printed form show it: one list of items, two looks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flask_babel import gettext as _

from appliance.errors import N_
from appliance.office import verdicts
from appliance.office.legal_value import VALUES, of_verdicts
from appliance.regulation.rules import LEGAL_VALUE, Rule
from appliance.signing.report import CHECKS, LEVELS
from web.context import desk
from web.formats import moment

COVERAGE: dict[str, str] = {
    "whole": N_("Toàn bộ tệp"),
    "revision": N_("Toàn bộ tệp tại thời điểm ký; sau đó tệp được bổ sung, xem mục dưới"),
    "partial": N_("KHÔNG bao trùm toàn bộ tệp"),
}
RESULTS: dict[str, tuple[str, str]] = {
    "pass": (N_("Đạt"), "good"),
    "fail": (N_("Không đạt"), "bad"),
    "unknown": (N_("Chưa xác định"), "wait"),
}


@dataclass(frozen=True)
class FileReport:
    """``checked_at``: the last look, ``as_of``: the moment judged for (ISO 8601); ``history``: oldest first."""

    name: str
    sha256: str
    size: int
    verdict: str
    report: dict[str, Any]
    checked_at: str
    as_of: str
    history: tuple[verdicts.Verdict, ...] = ()

    @property
    def value(self) -> str:
        """The file's legal value in words (article 3)."""
        return VALUES[of_verdicts([self.verdict])]

    @property
    def value_rule(self) -> Rule:
        """The article behind it."""
        return LEGAL_VALUE


def stored(subject: str, sha256: str, name: str, size: int) -> FileReport:
    """The report of a kept file: the newest verdict, or a look now while there is none yet."""
    work = desk()
    history = verdicts.history(work.db, subject, sha256)
    if not history:
        report = verdicts.examine(work, sha256)
        now = report["as_of"]
        return FileReport(name, sha256, size, report["verdict"], report, now, now)
    newest = history[-1]
    checked = verdicts.last_check(work.db, subject, sha256) or newest.at
    return FileReport(name, sha256, size, newest.verdict, newest.report, checked, newest.as_of, tuple(history))


def verdict_news(subject: str, *others: str) -> dict[str, Any] | None:
    """The last change of a document's verdict: was, is, when, whether the clerk still has to confirm it; else None.

    ``others``: the subjects of its annexes.
    """
    db = desk().db
    by_file: dict[str, list[verdicts.Verdict]] = {}
    for one in (one for part in (subject, *others) for one in verdicts.history(db, part)):
        by_file.setdefault(one.sha256, []).append(one)
    pairs = [pair for found in by_file.values() for pair in pairwise(found) if pair[0].verdict != pair[1].verdict]
    if not pairs:
        return None
    before, after = max(pairs, key=lambda pair: pair[1].id)
    reasons = list(dict.fromkeys(r for s in after.report["signatures"] for r in s["reasons"]))
    return {
        "was": before.verdict,
        "verdict": after.verdict,
        "at": after.at,
        "reasons": reasons,
        "open": bool(verdicts.unseen(db, subject)),
    }


def items(signature: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Name and lines of each fact about a signature, in the order of the rules; those without a value are left out."""
    stamp = signature["kind"] == "timestamp"
    details = signature.get("details") or {}
    rows = [
        (_("Tổ chức cấp dấu thời gian") if stamp else _("Người ký"), [signature["signer_name"]]),
        (_("Cơ quan, tổ chức"), [signature["signer_organ"]]),
        (_("Chủ thể chứng thư số"), [details.get("subject", "")]),
        (_("Tổ chức cấp chứng thư số"), [details.get("issuer") or signature["issuer"]]),
        (_("Số chứng thư số"), [signature["serial"]]),
        (_("Thời hạn chứng thư số"), [_validity(signature, details)]),
        (
            _("Thời điểm ghi trong dấu thời gian") if stamp else _("Thời điểm ký (do người ký khai)"),
            [moment(signature["signing_time"], True)],
        ),
        ("" if stamp else _("Dấu thời gian"), [_stamp(signature)]),
        (_("Thuật toán"), ["; ".join(filter(None, (details.get("algorithm"), details.get("key"))))]),
        (_("Mục đích của chứng thư số"), [", ".join(_(one) for one in details.get("usages", ()))]),
        (_("Tình trạng thu hồi"), _revocation(signature, details)),
        (_("Phạm vi chữ ký bao trùm"), [_(COVERAGE.get(signature["coverage"], ""))]),
        (_("Thay đổi sau chữ ký này"), [_(one) for one in signature["changes"]]),
        ("" if stamp else _("Mức chữ ký"), [_(LEVELS.get(signature["level"], signature["level"]))]),
    ]
    return [(name, found) for name, lines in rows if name and (found := [line for line in lines if line])]


def checks(signature: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, words, tone and reason of each criterion's result."""
    return [(_(CHECKS[c["name"]]), _(RESULTS[c["result"]][0]), RESULTS[c["result"]][1], c["reason"])
            for c in signature["checks"]]  # fmt: skip


def _validity(signature: dict[str, Any], details: dict[str, Any]) -> str:
    since, until = details.get("valid_from", ""), details.get("valid_until") or signature["certificate_until"]
    if since:
        return _("từ %(since)s đến %(until)s", since=moment(since), until=moment(until))
    return _("đến %(until)s", until=moment(until)) if until else ""


def _stamp(signature: dict[str, Any]) -> str:
    if not signature.get("proven_at"):
        return _("Không có dấu thời gian được tin cậy")
    return _("%(time)s, do %(name)s cấp", time=moment(signature["proven_at"], True), name=signature["stamped_by"])


def _revocation(signature: dict[str, Any], details: dict[str, Any]) -> list[str]:
    result = next((c for c in signature["checks"] if c["name"] == "revocation"), None)
    words = {
        "pass": _("Chưa bị thu hồi tại thời điểm xét"),
        "fail": result["reason"] if result else "",
        "unknown": result["reason"] if result else "",
    }
    lines = [words[result["result"]]] if result else []
    for source in details.get("sources", ()):
        until = moment(source["next_update"]) or _("không nêu")
        fresh = _("còn hạn khi xét") if source["fresh"] else _("ĐÃ QUÁ HẠN khi xét")
        lines.append(
            _(
                "%(kind)s của %(issuer)s, phát hành %(since)s, cập nhật tiếp %(until)s (%(fresh)s)",
                kind={"CRL": _("Danh sách thu hồi (CRL)"), "OCSP": _("Trả lời OCSP")}[source["kind"]],
                issuer=source["issuer"],
                since=moment(source["this_update"]),
                until=until,
                fresh=fresh,
            )
        )
    if not details.get("sources") and details:
        lines.append(_("Trạm không có danh sách thu hồi nào của tổ chức này"))
    return lines
