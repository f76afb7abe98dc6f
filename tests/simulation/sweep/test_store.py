"""Finished runs as files: whole or not there, and never taken for another."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation.sweep.store import NotThisRun, Store, digest_of
from grantcore.simulation.sweep.work import Result
from tests.simulation.sweep.making import result

ONE, OTHER = digest_of({"run": 1}), digest_of({"run": 2})
RESULT = result({"wasted_share": 0.1, "jobs": 7}, ["what was wrong"], tag="1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    kept = Store(tmp_path / "deep" / "runs")
    kept.keep(ONE, {"scenario": {}}, RESULT)
    return kept


def test_what_is_kept_is_found(store: Store) -> None:
    assert store.find(ONE) == RESULT
    assert store.find(OTHER) is None
    assert [path.name for path in store.folder.iterdir()] == [f"{ONE}.json"]


def test_a_result_is_the_same_after_json() -> None:
    assert Result.from_data(json.loads(json.dumps(RESULT.as_data()))) == RESULT


def test_nothing_is_found_in_no_folder(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").find(ONE) is None


def test_a_failure_to_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    store = Store(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        store.keep(ONE, {}, RESULT)
    assert not list(tmp_path.iterdir())


def test_a_run_is_kept_again_over_a_damaged_one(store: Store) -> None:
    store.path(ONE).write_text("")
    store.keep(ONE, {}, RESULT)
    assert store.find(ONE) == RESULT


@pytest.mark.uncovered
@settings(max_examples=40)
@given(data=st.data())
def test_any_damage_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    store = Store(tmp_path_factory.getbasetemp() / "damaged")
    store.keep(ONE, {"scenario": {"seed": 1}}, RESULT)
    whole = store.path(ONE).read_bytes()
    place = data.draw(st.integers(0, len(whole) - 2))
    how = data.draw(st.sampled_from(["cut", "flip"]))
    damaged = bytearray(whole[:place] if how == "cut" else whole)
    if how == "flip":
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    if bytes(damaged) == whole[:-1]:
        return
    store.path(ONE).write_bytes(damaged)
    with pytest.raises(NotThisRun, match=ONE):
        store.find(ONE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no JSON object"),
        ("7", "no JSON object"),
        ("{}", "not that of its content"),
        ('{"a": NaN}', "NaN is no number"),
        ("[" * 100_000, "damaged"),
        ('{"a": ' + "9" * 5_000 + "}", "damaged"),
        ("\xff", "damaged"),
    ],
)
def test_a_strange_file_is_named(store: Store, text: str, said: str) -> None:
    store.path(ONE).write_text(text, encoding="latin-1")
    with pytest.raises(NotThisRun, match=said):
        store.find(ONE)


def test_the_file_of_another_run_is_not_taken(store: Store) -> None:
    store.path(OTHER).write_bytes(store.path(ONE).read_bytes())
    with pytest.raises(NotThisRun, match=f"is of another run: '{ONE}'"):
        store.find(OTHER)


def test_a_file_of_another_form_is_not_taken(store: Store) -> None:
    content = {"form": 2, "run": ONE}
    store.path(ONE).write_text(json.dumps(content | {"sha256": digest_of(content)}))
    with pytest.raises(NotThisRun, match="has form 2, not 1"):
        store.find(ONE)


def test_a_result_with_other_measures_is_not_taken(store: Store) -> None:
    store.keep(ONE, {}, attrs.evolve(RESULT, measures={"luck": 1.0}))
    with pytest.raises(
        NotThisRun, match="of no use: it has other measures than this grantcore: busy_hours, "
    ):
        store.find(ONE)


def test_the_order_of_keys_is_no_part_of_a_digest() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 1, "b": 3})
