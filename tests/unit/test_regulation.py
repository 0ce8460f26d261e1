"""The law as data: document types, notations, codes, working days, deadlines."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from appliance.clock import VN
from appliance.errors import BadInput
from appliance.regulation import calendar, codes, document_types, rules


def test_there_are_29_types_of_which_27_have_an_abbreviation() -> None:
    types = document_types.TYPES.values()
    assert len(types) == 29
    assert sum(1 for kind in types if kind.abbreviation) == 27


@pytest.mark.parametrize(
    ("code", "unit", "expected"),
    [
        ("quyet-dinh", "", "QĐ-UBND"),
        ("quyet-dinh", "VP", "QĐ-UBND"),
        ("cong-van", "VP", "UBND-VP"),
        ("cong-van", "", "UBND"),
    ],
)
def test_the_notation_names_the_type_or_the_drafting_unit(code: str, unit: str, expected: str) -> None:
    assert document_types.notation(document_types.document_type(code), "UBND", unit) == expected


def test_numbers_and_dates_are_padded_as_annex_i_says() -> None:
    assert document_types.number_text(7) == "07"
    assert document_types.number_text(125) == "125"
    assert document_types.day_month_text(5, 2) == ("05", "02")
    assert document_types.day_month_text(15, 8) == ("15", "8")


@pytest.mark.parametrize(
    ("scheme", "value"), [("QCVN102", "000.00.21.H99"), ("QD20", "H99.21"), ("QD20", "H37.DN.001")]
)
def test_well_formed_codes_are_accepted_in_their_own_scheme_only(scheme: str, value: str) -> None:
    assert codes.check_organ_code(scheme, value) == value
    assert codes.scheme_of(value) == scheme
    other = "QD20" if scheme == "QCVN102" else "QCVN102"
    with pytest.raises(BadInput):
        codes.check_organ_code(other, value)


@pytest.mark.parametrize("value", ["", "H9", "h99.21", "H99..21", "H99.21'; --", "H" * 36, "Z99.1"])
def test_malformed_codes_are_refused(value: str) -> None:
    with pytest.raises(BadInput):
        codes.check_organ_code("QD20", value)


def test_the_document_code_is_written_as_the_official_samples_do() -> None:
    text = codes.document_code("000.00.00.G22", date(2015, 9, 30), "7816", "VPCP-TTĐT")
    assert text == "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"


@pytest.mark.parametrize(
    ("issued", "latest"),
    [
        (datetime(2026, 11, 20, 16, 0, tzinfo=VN), datetime(2026, 11, 23, 11, 0, tzinfo=VN)),  # Friday → Monday morning
        (datetime(2026, 2, 13, 9, 0, tzinfo=VN), datetime(2026, 2, 23, 11, 0, tzinfo=VN)),  # before Tết
        (datetime(2026, 1, 9, 9, 0, tzinfo=VN), datetime(2026, 1, 10, 11, 0, tzinfo=VN)),  # Saturday that is worked
        (datetime(2026, 4, 29, 9, 0, tzinfo=VN), datetime(2026, 5, 4, 11, 0, tzinfo=VN)),
    ],
)
def test_a_normal_document_leaves_by_the_next_working_morning(issued: datetime, latest: datetime) -> None:
    deadline = calendar.send_deadline(issued, 0)
    assert deadline.latest == latest
    assert deadline.target.date() == issued.date()


def test_an_urgent_document_leaves_at_once() -> None:
    issued = datetime(2026, 11, 20, 16, 0, tzinfo=VN)
    deadline = calendar.send_deadline(issued, 2)
    assert deadline.target == issued
    assert deadline.latest == datetime(2026, 11, 20, 16, 15, tzinfo=VN), "late after a quarter of an hour"


def test_a_year_without_a_decision_is_known_to_be_provisional() -> None:
    assert calendar.is_known_year(2026)
    assert not calendar.is_known_year(2031)
    assert not calendar.is_working_day(date(2031, 9, 2))


def test_every_rule_names_its_article_and_every_refusal_its_next_step() -> None:
    found = [value for value in vars(rules).values() if isinstance(value, rules.Rule)]
    assert len(found) >= 10
    assert all("Điều" in rule.article or "Phụ lục" in rule.article for rule in found)
    error = rules.refuse(rules.SAME_DAY, "câu", "việc cần làm")
    assert error.rule is rules.SAME_DAY
    assert error.next_step == "việc cần làm"
