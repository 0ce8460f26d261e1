"""Small parts of the bus: what it reads of a package, its configuration, how it tells TLS records apart."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadInput, ConfigError
from sync.reference_bus.accounts import Account
from sync.reference_bus.config import load_config
from sync.reference_bus.lgsp import tokens
from sync.reference_bus.line import Faults
from sync.reference_bus.peek import peek
from sync.reference_bus.tls_records import RecordMeter
from tests.edxml_fixtures import SAMPLES, raw_package

_CONFIG = """
data = "data"
certificate = "s.pem"
key = "s.key"
client_ca = "ca.pem"
[[organs]]
code = "H04"
name = "Tỉnh"
virtual = true
"""


def test_the_header_of_a_package_is_read_without_its_attachments() -> None:
    header = peek(io.BytesIO(raw_package("<DocumentId>H99,1</DocumentId>", "<Attachment>" + "x" * 200_000)))
    assert (header.subject, header.from_code, header.document_id) == ("Giấy mời họp", "H99.01", "H99,1")
    assert header.problem == ""


def test_texts_are_composed_and_cut() -> None:
    header = peek(io.BytesIO(raw_package("<DocumentId>1</DocumentId><Description>e\u0302</Description>")))
    assert header.description == "ê"
    long = peek(io.BytesIO(raw_package(f"<DocumentId>{'x' * 9000}</DocumentId>")))
    assert len(long.document_id) == 2000


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "không phải XML đúng dạng"),
        (b"hello", "không phải XML đúng dạng"),
        (b"<x/>", "không tìm thấy phần đầu edXML"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>', "DOCTYPE"),
        (b"<x>" * 100, "lồng quá sâu"),
        (b"a" * (5 << 20), "dài quá"),
        (b'<?xml version="1.0" encoding="no-such-code"?><x/>', "không"),
    ],
    ids=["empty", "text", "other", "dtd", "deep", "endless", "encoding"],
)
def test_what_cannot_be_read_says_why(data: bytes, problem: str) -> None:
    assert problem in peek(io.BytesIO(data)).problem


@given(st.binary(max_size=400))
def test_reading_never_fails_on_any_bytes(data: bytes) -> None:
    assert peek(io.BytesIO(data)).problem


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the national samples are not beside this repository")
def test_the_national_samples_are_understood() -> None:
    folder = SAMPLES / "all4u1089-truclienthong-example"
    with (folder / "resources_edoc_new.edxml").open("rb") as file:
        letter = peek(file)
    with (folder / "resources_status_acceptance_03.edxml").open("rb") as file:
        answer = peek(file)
    assert letter.document_id == answer.answers_document == "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
    assert (letter.type_name, answer.status_code, answer.from_code) == ("Công văn", "03", "000.00.00.H41")


@given(st.lists(st.tuples(st.sampled_from([20, 21, 22, 23]), st.binary(max_size=300))), st.integers(1, 50))
def test_application_bytes_are_counted_however_the_stream_is_cut(records: list[tuple[int, bytes]], step: int) -> None:
    stream = b"".join(bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body for kind, body in records)
    meter = RecordMeter()
    for start in range(0, len(stream), step):
        meter.feed(stream[start : start + step])
    assert meter.application_bytes == sum(len(body) for kind, body in records if kind == 23)


@pytest.mark.parametrize(
    "values", [{"speed": 1}, {"down": 1}, {"latency_ms": True}, {"cut_after": -1}, {"drop_answer": "sometimes"}]
)
def test_a_switch_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Faults().changed(values)


def _load(folder: Path, text: str) -> object:
    path = folder / "bus.toml"
    path.write_text(text, "utf-8")
    return load_config(path)


def test_paths_count_from_the_configuration_file(tmp_path: Path) -> None:
    config = _load(tmp_path, _CONFIG)
    assert config.data == tmp_path / "data"  # type: ignore[attr-defined]
    assert config.organs[0].virtual is True  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("color = 1\n" + _CONFIG, "color"),
        ('api_port = "1"\n' + _CONFIG, "api_port"),
        (_CONFIG.replace('key = "s.key"', ""), "key"),
        (_CONFIG.partition("[[")[0], "organs"),
        (_CONFIG + 'shape = "x"', "shape"),
        (_CONFIG + '[[organs]]\ncode = "H04.1"\nname = "Xã"\nold_codes = ["H04"]', "H04"),
        ("= =", "bus.toml"),
    ],
)
def test_a_configuration_that_cannot_be_right_names_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        _load(tmp_path, text)


def test_a_token_of_one_process_is_known_to_the_others_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account("H99.21", ("H99.21",), "bí mật", "xa", "mật khẩu")
    token, accounts = tokens.give(account), {"H99.21": account}
    assert tokens.account_of(accounts, token) is account  # nothing is kept, so any process says the same
    wrong = [f"{token}0", token.partition(".")[0], "", ".", "!.!", token[1:], "Zm9v.x", "w6nDqQ==.x"]
    changed = {"H99.21": replace(account, password="khác")}
    for book, text in [*((accounts, text) for text in wrong), (changed, token), ({}, token)]:
        with pytest.raises(tokens.Unauthorised):
            tokens.account_of(book, text)
    later = time.time() + 1801
    monkeypatch.setattr(tokens.time, "time", lambda: later)
    with pytest.raises(tokens.Unauthorised):
        tokens.account_of(accounts, token)
