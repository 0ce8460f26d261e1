"""The exchange's benchmark still runs, on small amounts. How fast anything is, is not judged here."""

from __future__ import annotations

import pytest

from tests.bench.exchange import download, drain, goodput, offices, report, shaped
from tests.bench.exchange.emulator import Shape


@pytest.mark.slow
@pytest.mark.skipif(not shaped.possible(), reason="needs root and /dev/net/tun for network namespaces")
def test_box_and_curl_carry_the_same_document_over_a_bad_line() -> None:
    case = goodput.Case("small", Shape(2e6, 0.02, 0.02), 200_000)
    found = goodput.measure(case)
    assert {name: one.seconds is not None for name, one in found.items()} == {"box": True, "curl": True}
    assert all(one.file < one.coded <= one.body <= one.tcp < one.wire for one in found.values())


@pytest.mark.slow
@pytest.mark.skipif(not shaped.possible(), reason="needs root and /dev/net/tun for network namespaces")
def test_box_and_curl_fetch_the_same_document_over_a_bad_line() -> None:
    found = download.measure(goodput.Case("small", Shape(2e6, 0.02, 0.02), 200_000))
    assert {name: one.seconds is not None for name, one in found.items()} == {"box": True, "curl": True}
    # the coded form and TCP's repeats, but not what base64 adds
    assert all(one.file < one.tcp < 1.3 * one.file for one in found.values())


@pytest.mark.slow
def test_a_queue_drains_urgent_first_and_many_offices_exchange() -> None:
    drained = drain.measure(30)
    assert drained.urgent_first
    few, many = offices.measure(20, 40)
    assert (few.exchanges, many.offices) == (40, 20)
    text = report.markdown(report.Findings(drain=drained, offices=(few, many), load=[0.0]), "test")
    assert "| 20 | 40 |" in text
    assert "first out: holds" in text
