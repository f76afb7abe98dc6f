"""The reader of tables of jobs."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.job import Job
from grantcore.simulation.workloads.table import COLUMNS, CsvError, read_table

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[str | bytes], Path]

ALL = "submit_ms,run_ms,lane,priority,capabilities,number,after\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Make a table of this text."""

    def make(text: str | bytes) -> Path:
        path = tmp_path / "a.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def refusal(path: Path) -> CsvError:
    with pytest.raises(CsvError) as caught:
        list(read_table(path))
    assert caught.value.path == path
    assert len(str(caught.value)) < 400
    return caught.value


def test_two_columns_are_enough(write: Write) -> None:
    assert list(read_table(write("submit_ms,run_ms\n5,70\n\n6,0"))) == [Job(5, 70), Job(6, 0)]


def test_all_columns_in_any_order_quoted_and_with_blanks(write: Write) -> None:
    job = Job(5, 70, "night, or day", 100, ("gpu", "ssd"), 8, 7)
    assert list(read_table(write(ALL + '5,70,"night, or day",100,ssd  gpu ssd,8,7\n'))) == [job]
    turned = ",".join(reversed(ALL.strip().split(","))).replace(",", " , ")
    assert list(read_table(write(turned + '\r\n7,8," ssd gpu",100 ,"night, or day", 70, 5\r\n'))) == [job]


def test_an_empty_cell_is_as_if_its_column_were_not_there(write: Write) -> None:
    assert list(read_table(write(ALL + "5,70,,,,,\n5,70, , , , , \n"))) == [Job(5, 70)] * 2


def test_gzip_and_a_byte_order_mark_are_read(write: Write) -> None:
    text = "\ufeffsubmit_ms,run_ms\n5,70\n".encode()
    assert list(read_table(write(text))) == list(read_table(write(gzip.compress(text)))) == [Job(5, 70)]
    error = refusal(write(gzip.compress(text)[:-3]))
    assert (error.line, error.field) == (3, "the file")


def test_jobs_that_require_the_same_share_it(write: Write) -> None:
    one, other = read_table(write("submit_ms,run_ms,capabilities\n1,2,a b\n3,4,a b\n"))
    assert one.required_capabilities is other.required_capabilities


@pytest.mark.parametrize(
    ("header", "field", "allowed"),
    [
        ("submit_ms", "the header", "with run_ms"),
        ("run_ms,lane", "the header", "with submit_ms"),
        ("submit_ms,run_ms,Lane", "column 3 of the header", "one of submit_ms, run_ms, lane"),
        ("submit_ms,run_ms,run_ms", "column 3 of the header", "each once"),
        ("submit_ms,run_ms,", "column 3 of the header", "one of submit_ms"),
        ("5,70", "column 1 of the header", "one of submit_ms"),
        ('submit_ms,"run_ms', "the line", "cells in UTF-8"),
    ],
)
@pytest.mark.parametrize("lenient", [False, True])
def test_a_bad_header_is_refused_lenient_or_not(
    write: Write, header: str, field: str, allowed: str, lenient: bool
) -> None:
    path = write(f"\n{header}\n5,70\n")
    with pytest.raises(CsvError) as caught:
        list(read_table(path, skip=(lambda: None) if lenient else None))
    assert (caught.value.line, caught.value.field) == (2, field)
    assert allowed in caught.value.allowed


BAD = [
    ("x,70,,,,,", "submit_ms", "an integer of 0 to 10000000000000"),
    (",70,,,,,", "submit_ms", "an integer"),
    ("-1,70,,,,,", "submit_ms", "an integer"),
    ("1.5,70,,,,,", "submit_ms", "an integer"),
    ("1_0,70,,,,,", "submit_ms", "an integer"),
    ("٣,70,,,,,", "submit_ms", "an integer"),
    ("10000000000001,70,,,,,", "submit_ms", "an integer"),
    ("9" * 999 + ",70,,,,,", "submit_ms", "an integer"),
    ("5,100000000001,,,,,", "run_ms", "an integer of 0 to 100000000000"),
    ("5,70,nächtlich,,,,", "lane", "1 to 64 characters of printable ASCII"),
    ("5,70," + "q" * 65 + ",,,,", "lane", "1 to 64"),
    ("5,70,,9001,,,", "priority", "an integer of 0 to 9000"),
    ('5,70,,,"a,b",,', "capabilities", "capabilities, blanks between them"),
    ("5,70,,," + "x" * 257 + ",,", "capabilities", "blanks"),
    ("5,70,,,,x,", "number", "an integer"),
    ("5,70,,,,,x", "after", "an integer"),
    ("5,70", "the line", "7 cells wide"),
    ("5,70,,,,,,", "the line", "7 cells wide"),
    ('5,70,"q,,,,', "the line", "cells in UTF-8"),
    ('5,70,"q"x,,,,', "the line", "cells in UTF-8"),
    ("5,70,\x00\ud800,,,,", "the line", "cells in UTF-8"),
    ("5," + "7" * 5_000, "the line", "at most 4096 bytes long"),
]


@pytest.mark.parametrize(("text", "field", "allowed"), BAD)
def test_a_bad_cell_is_refused_by_line_and_column(write: Write, text: str, field: str, allowed: str) -> None:
    error = refusal(write((ALL + "5,70,,,,,\n" + text).encode(errors="surrogatepass")))
    assert (error.line, error.field) == (3, field)
    assert allowed in error.allowed
    assert str(error).startswith(f"{error.path}:3: {field} must be ")


def test_malformed_lines_are_skipped_and_counted_if_wanted(write: Write) -> None:
    skipped: list[None] = []
    text = "\n".join(text for text, _, _ in BAD).encode(errors="surrogatepass")
    path = write(ALL.encode() + text + b"\n5,70,,,,,\n")
    assert list(read_table(path, skip=lambda: skipped.append(None))) == [Job(5, 70)]
    assert len(skipped) == len(BAD)


@pytest.mark.parametrize("text", ["", "\n\n", "submit_ms,run_ms\n", "submit_ms,run_ms\n\n"])
def test_a_table_without_a_job_is_refused(write: Write, text: str) -> None:
    error = refusal(write(text))
    assert (error.field, error.line) == ("the table", text.count("\n"))


@pytest.mark.parametrize(
    ("name", "column"),
    [(name, column) for name, (_, column) in COLUMNS.items() if hasattr(column, "maximum")],
)
def test_the_largest_value_is_the_last_allowed(write: Write, name: str, column: object) -> None:
    largest = int(getattr(column, "maximum"))  # noqa: B009 - only some of the columns have it
    cells = dict.fromkeys(ALL.strip().split(","), "") | {"submit_ms": "0", "run_ms": "0"}
    assert list(read_table(write(ALL + ",".join((cells | {name: str(largest)}).values()))))
    assert refusal(write(ALL + ",".join((cells | {name: str(largest + 1)}).values()))).field == name


WORDS = st.sampled_from(["5", "70", ",", "\n", '"', "a", "\r", "\0", "-", " ", ALL]) | st.text(max_size=4)


@pytest.mark.uncovered
@given(st.lists(WORDS, max_size=40), st.booleans())
@settings(max_examples=50)
def test_any_text_is_jobs_or_a_typed_refusal(words: list[str], lenient: bool) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes("".join(words).encode(errors="surrogatepass"))
        with suppress(CsvError):
            assert all(
                isinstance(job, Job) for job in read_table(path, skip=(lambda: None) if lenient else None)
            )
