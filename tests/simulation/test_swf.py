"""The reader of workload logs, and what it makes of damaged ones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grantcore.simulation.job import Job
from grantcore.simulation.swf import COLUMNS, MAX_LINE_BYTES, SwfError, read_swf

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[bytes], Path]

GOOD = "1 20 -1 60 8 -1 -1 -1 -1 -1 1 3 1 2 0 -1 -1 -1"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Make a log of these bytes."""

    def make(text: bytes) -> Path:
        path = tmp_path / "a.swf"
        path.write_bytes(text)
        return path

    return make


def line(**fields: str) -> bytes:
    """Give a good line with some columns replaced."""
    words = dict(zip((column.name for column in COLUMNS), GOOD.split(), strict=True))
    assert fields.keys() <= words.keys()
    return " ".join((words | fields).values()).encode() + b"\n"


def refusal(path: Path) -> SwfError:
    with pytest.raises(SwfError) as caught:
        list(read_swf(path))
    assert caught.value.path == path
    return caught.value


def test_reads_jobs_past_comments_and_blank_lines(write: Write) -> None:
    path = write(
        b"; Version: 2.2\n;\xff\x00 any bytes\n\n  ; indented\r\n" + line(queue="3") + b" \t\n" + line()
    )
    assert list(read_swf(path)) == [Job(20_000, 60_000, 8, 3), Job(20_000, 60_000, 8, 0)]


def test_a_last_line_needs_no_newline_and_columns_any_blanks(write: Write) -> None:
    assert len(list(read_swf(write(b"\t" + GOOD.replace(" ", "  \t").encode())))) == 1


@pytest.mark.parametrize(
    ("fields", "job"),
    [
        ({"submit_time": "-1"}, Job(0, 60_000, 8, 0)),
        ({"run_time": "-1"}, Job(20_000, 0, 8, 0)),
        ({"run_time": "0"}, Job(20_000, 0, 8, 0)),
        ({"queue": "-1"}, Job(20_000, 60_000, 8, None)),
        ({"allocated_processors": "-1", "requested_processors": "4"}, Job(20_000, 60_000, 4, 0)),
        ({"allocated_processors": "-1"}, Job(20_000, 60_000, 1, 0)),
        ({"allocated_processors": "0"}, Job(20_000, 60_000, 1, 0)),
        (
            {"average_cpu_time": "59.75", "used_memory": "0.5", "think_time": "-1.0"},
            Job(20_000, 60_000, 8, 0),
        ),
    ],
)
def test_unknown_values_and_decimals(write: Write, fields: dict[str, str], job: Job) -> None:
    assert list(read_swf(write(line(**fields)))) == [job]


@pytest.mark.parametrize("column", [column.name for column in COLUMNS])
@pytest.mark.parametrize(
    "word",
    [
        "x",
        "-2",
        "1e3",
        "0x10",
        "+1",
        "1_0",
        "nan",
        "inf",
        "1.",
        ".5",
        "9" * 5000,
        "9" * 15,
        "\x00",
        "1\x002",
        "٣",
        "--1",
        "-",
    ],
)
def test_a_bad_word_is_refused_by_line_and_field(write: Write, column: str, word: str) -> None:
    text = line(**{column: word})
    refused = refusal(write(b"; comment\n" + line() + text))
    assert refused.line == 3
    too_long = len(text) > MAX_LINE_BYTES
    assert refused.field == ("the line" if too_long else column)
    assert ("bytes long" if too_long else "-1 (unknown) to") in refused.allowed
    assert len(str(refused)) < 300


@pytest.mark.parametrize("column", [column.name for column in COLUMNS if not column.decimal])
def test_decimals_are_refused_where_logs_have_none(write: Write, column: str) -> None:
    assert refusal(write(line(**{column: "1.5"}))).field == column


@pytest.mark.parametrize(("name", "maximum"), [(column.name, column.maximum) for column in COLUMNS])
def test_the_largest_value_is_the_last_allowed(write: Write, name: str, maximum: int) -> None:
    assert list(read_swf(write(line(**{name: str(maximum)}))))
    assert refusal(write(line(**{name: str(maximum + 1)}))).field == name


@pytest.mark.parametrize(
    "text", [b"1 2 3\n", GOOD.encode() + b" -1\n", b"\x00\n", b"\x7fELF\x02\x01\x01\n", b"\xff\xfe1\x00"]
)
def test_other_than_18_columns_is_refused(write: Write, text: bytes) -> None:
    refused = refusal(write(line() + text))
    assert (refused.line, refused.field, refused.allowed) == (2, "the line", "18 columns wide")


@pytest.mark.parametrize("start", [b";", b"1 ", b"", b"\x00"])
def test_an_overlong_line_is_refused_unread(write: Write, start: bytes) -> None:
    refused = refusal(write(line() + start + b" " * 10**6 + b"1"))
    assert (refused.line, refused.field) == (2, "the line")
    assert str(MAX_LINE_BYTES) in str(refused)


@pytest.mark.parametrize("text", [b"", b"\n\n", b"; nothing but comments\n"])
def test_a_log_without_a_job_is_refused(write: Write, text: bytes) -> None:
    refused = refusal(write(text))
    assert refused.field == "the log"
    assert refused.line == text.count(b"\n")


def test_the_text_names_file_line_field_and_what_is_allowed(write: Write) -> None:
    path = write(line(user="root"))
    assert str(refusal(path)) == f"{path}:1: user must be an integer of -1 (unknown) to 10000000000"


WORDS = st.sampled_from([b"1", b"-1", b";", b"\n", b"\r", b"1.5", b"x", b"\x00", GOOD.encode()]) | st.binary(
    max_size=6
)


@given(st.lists(WORDS, max_size=60))
def test_any_bytes_are_jobs_or_a_typed_refusal(words: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.swf")
        path.write_bytes(b" ".join(words))
        with suppress(SwfError):
            assert all(isinstance(job, Job) for job in read_swf(path))
