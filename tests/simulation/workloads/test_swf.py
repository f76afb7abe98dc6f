"""The reader of Standard Workload Format logs, and what it makes of damaged ones."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.workloads.lines import MAX_LINE_BYTES
from grantcore.simulation.workloads.swf import COLUMNS, SwfError, SwfJob, read_swf

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[bytes], Path]

GOOD = "1 20 -1 60 8 -1 -1 -1 -1 -1 1 3 1 2 0 -1 -1 -1"
JOB = SwfJob(1, 20, -1, 60, 8, -1, -1, -1, -1, -1, 1, 3, 1, 2, 0, -1, -1, -1)


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
    assert list(read_swf(path)) == [attrs.evolve(JOB, queue=3), JOB]


def test_a_last_line_needs_no_newline_and_columns_any_blanks(write: Write) -> None:
    assert len(list(read_swf(write(b"\t" + GOOD.replace(" ", "  \t").encode())))) == 1


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
        "9" * 4000,
        "9" * 15,
        "1-2",
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


def test_all_18_fields_are_read(write: Write) -> None:
    text = b"1 2 3 4 5 6.5 7.25 8 9.0 10.75 11 12 13 14 15 16 17 18.5\n"
    assert list(read_swf(write(text))) == [
        SwfJob(1, 2, 3, 4, 5, 6.5, 7.25, 8, 9.0, 10.75, 11, 12, 13, 14, 15, 16, 17, 18.5)
    ]
    whole = b" ".join(str(number).encode() for number in range(1, 19))
    assert attrs.astuple(next(read_swf(write(whole)))) == tuple(range(1, 19))


@pytest.mark.uncovered
@given(st.lists(st.integers(-3, 12) | st.integers(10**8 - 2, 10**10 + 2), min_size=18, max_size=18))
@settings(max_examples=40)
def test_a_line_with_decimals_is_judged_as_one_without(numbers: list[int]) -> None:
    def read(words: list[str]) -> SwfJob | None:
        with TemporaryDirectory() as folder:
            path = Path(folder, "a.swf")
            path.write_text(" ".join(words))
            try:
                return next(read_swf(path))
            except SwfError:
                return None

    plain = [str(number) for number in numbers]
    assert read(plain) == read([*plain[:-1], f"{numbers[-1]}.0"])


def test_malformed_lines_are_skipped_and_counted_if_wanted(write: Write) -> None:
    skipped: list[None] = []
    text = (
        line()
        + b"1 2 3\n"
        + line(user="x")
        + b"x" * 10_000
        + b"\n"
        + line(think_time="1.x")
        + line(queue="3")
    )
    path = write(b"; no job\n" + text)
    jobs = list(read_swf(path, skip=lambda: skipped.append(None)))
    assert jobs == [JOB, attrs.evolve(JOB, queue=3)]
    assert len(skipped) == 4
    with pytest.raises(SwfError, match="at least one job"):
        list(read_swf(write(b"1 2 3\n"), skip=lambda: None))


@pytest.mark.uncovered
@given(
    st.lists(st.sampled_from([b"good", b"short", b"word", b"long", b"comment"]), max_size=12),
)
@settings(max_examples=40)
def test_lenient_reading_finds_the_good_lines_whatever_is_between(kinds: list[bytes]) -> None:
    lines = {b"good": line(), b"short": b"1 2\n", b"word": line(status="?"), b"long": b"1" * 9_000 + b"\n"}
    text = b"".join(lines.get(kind, b"; nothing\n") for kind in kinds)
    skipped: list[None] = []
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.swf")
        path.write_bytes(line() + text)
        assert len(list(read_swf(path, skip=lambda: skipped.append(None)))) == 1 + kinds.count(b"good")
    assert len(skipped) == sum(kind in {b"short", b"word", b"long"} for kind in kinds)


# -- gzip ------------------------------------------------------------------------------------------

LONG = b"".join(line(job_number=str(number)) for number in range(1, 400))


def test_gzip_is_known_by_its_content(write: Write) -> None:
    plain = list(read_swf(write(LONG)))
    assert len(plain) == 399
    assert list(read_swf(write(gzip.compress(LONG)))) == plain
    assert list(read_swf(write(gzip.compress(LONG[:1_000]) + gzip.compress(LONG[1_000:])))) == plain


@pytest.mark.parametrize("lenient", [False, True])
def test_damaged_gzip_is_an_error_with_the_line_reached(write: Write, lenient: bool) -> None:
    packed = gzip.compress(LONG, compresslevel=0)
    for damaged in (
        packed[: len(packed) // 2],
        packed[:-4],
        packed[:-8] + b"\0" * 8,
        packed + b"more",
        packed[:12] + b"\xff" * 9 + packed[21:],
        b"\x1f\x8b",
    ):
        jobs: list[SwfJob] = []
        with pytest.raises(SwfError) as caught:
            jobs.extend(read_swf(write(damaged), skip=(lambda: None) if lenient else None))
        assert caught.value.field == "the file"
        assert caught.value.line <= 400
    half = write(packed[: len(packed) // 2])
    reached: list[SwfJob] = []
    with pytest.raises(SwfError, match=r"a\.swf:\d+: the file must be undamaged gzip from here on") as caught:
        for job in read_swf(half):
            reached.append(job)  # noqa: PERF402 - what was read before the damage counts
    assert caught.value.line == len(reached) + 1 > 100


@pytest.mark.uncovered
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
@settings(max_examples=30)
def test_any_damage_to_gzip_is_a_typed_refusal_or_seen_in_the_jobs(at: int, put: bytes) -> None:
    packed = gzip.compress(LONG)
    at %= len(packed)
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.swf")
        path.write_bytes(packed[:at] + put + packed[at + len(put) :])
        with suppress(SwfError):
            assert len(list(read_swf(path))) == 399


WORDS = st.sampled_from([b"1", b"-1", b";", b"\n", b"\r", b"1.5", b"x", b"\x00", GOOD.encode()]) | st.binary(
    max_size=6
)


@pytest.mark.uncovered
@given(st.lists(WORDS, max_size=60))
@settings(max_examples=50)
def test_any_bytes_are_jobs_or_a_typed_refusal(words: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.swf")
        path.write_bytes(b" ".join(words))
        with suppress(SwfError):
            assert all(isinstance(job, SwfJob) for job in read_swf(path))
