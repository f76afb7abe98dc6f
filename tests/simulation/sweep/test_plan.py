"""Which runs a sweep has, and what decides each of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grantcore.simulation import command
from grantcore.simulation.asking import Asked, Given
from grantcore.simulation.scenario.model import Scenario, SwfLog, Synthetic
from grantcore.simulation.scenario.reading import ScenarioError, from_data
from grantcore.simulation.sweep import plan as planning
from grantcore.simulation.sweep.plan import Axis, Plan, PlanError, Source
from tests.simulation.sweep.making import SMALL, plan


def test_every_combination_is_run_with_every_seed_in_order() -> None:
    made = plan("lease_ttl=1000,2000", "count=3,4,5", seeds=2, scenario=attrs.evolve(SMALL, seed=7))
    runs = list(made.runs())
    assert made.size == len(runs) == len({run.digest for run in runs}) == 12
    assert [(run.setting.label, run.seed) for run in runs[:5]] == [
        ("lease_ttl=1000, count=3", 7),
        ("lease_ttl=1000, count=3", 8),
        ("lease_ttl=1000, count=4", 7),
        ("lease_ttl=1000, count=4", 8),
        ("lease_ttl=1000, count=5", 7),
    ]
    last = from_data(runs[-1].work["scenario"])  # type: ignore[arg-type]
    assert (last.leases.lease_ttl_ms, last.workers[0].count, last.seed) == (2000, 5, 8)


def test_the_same_seeds_are_used_for_every_setting() -> None:
    made = plan("lease_ttl=1000,2000,3000", seeds=4)
    by_setting = {
        setting.label: [run.seed for run in made.runs() if run.setting is setting]
        for setting in made.settings
    }
    assert set(map(tuple, by_setting.values())) == {(1, 2, 3, 4)}


def test_nothing_varies_in_a_plan_without_axes() -> None:
    made = plan(seeds=3)
    assert [setting.label for setting in made.settings] == ["as it is"]
    assert made.size == 3


@pytest.mark.parametrize(
    "text", ["", "=", "a", "a=", "=1", "a=1,", "a=1,,2", "a=,", "a=1,1", " =1", "a=1, 1"]
)
def test_an_axis_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="--vary "):
        Axis.parse(text)


def test_blanks_around_key_and_values_do_not_count() -> None:
    assert Axis.parse(" a = 1 , 2 ") == Axis("a", ("1", "2"))


@pytest.mark.parametrize(
    ("axes", "seeds", "said"),
    [
        (["lease_ttl=1,2"], 50_001, "make 100,002 runs: at most 100,000"),
        (["seed=1,2"], 1, "every setting has the same seeds"),
        (["lease_ttl=5,6", "leases.lease_ttl_ms=7,8"], 1, "are the same scenario"),
        (["crash=0.5,0.50"], 1, "'crash=0.5' and 'crash=0.50' are the same scenario"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(axes: list[str], seeds: int, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        plan(*axes, seeds=seeds)


def test_the_last_seed_is_a_seed() -> None:
    last = attrs.evolve(SMALL, seed=2**53 - 2)
    assert plan(seeds=2, scenario=last).seeds[-1] == 2**53 - 1
    with pytest.raises(PlanError, match="--seeds 3: the last seed would be"):
        plan(seeds=3, scenario=last)


@pytest.mark.parametrize("axis", ["nothing=1", "lease_ttl=0", "lease_ttl=x", "crash=2"])
def test_a_key_or_value_that_no_scenario_has_is_refused(axis: str) -> None:
    with pytest.raises(ScenarioError):
        plan(axis)


def digests(made: Plan) -> list[str]:
    return [run.digest for run in made.runs()]


def test_whatever_decides_a_run_is_in_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "a.swf"
    log.write_text("; one\n")
    scenario = Scenario(workload=SwfLog(path=log))
    seen = [digests(plan(scenario=scenario)), digests(plan("crash=0.1,0.2", scenario=scenario))]
    seen.append(digests(plan(scenario=attrs.evolve(scenario, seed=2))))
    seen.append(digests(plan(scenario=attrs.evolve(scenario, retention_ms=None))))
    seen.append(digests(plan(scenario=scenario, source=Source(scheduler="a:b"))))
    seen.append(digests(plan()))
    log.write_text("; two\n")
    seen.append(digests(plan(scenario=scenario)))
    monkeypatch.setattr(planning, "build", lambda: "9.9")
    seen.append(digests(plan(scenario=scenario)))
    assert len(set(map(tuple, seen))) == len(seen)


def test_the_folder_of_a_log_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.swf").write_text("; one\n")
        seen.add(*digests(plan(scenario=Scenario(workload=SwfLog(path=folder / "a.swf")))))
    monkeypatch.chdir(tmp_path / "here")
    relative = plan(scenario=Scenario(workload=SwfLog(path=Path("a.swf"))))
    assert seen == set(digests(relative))
    (run,) = relative.runs()
    workload = from_data(run.work["scenario"]).workload  # type: ignore[arg-type]
    assert isinstance(workload, SwfLog)
    assert workload.path == tmp_path / "here" / "a.swf", "other processes may be elsewhere"


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(plan(scenario=Scenario(workload=SwfLog(path=tmp_path / "none.swf"))).runs())


@pytest.mark.uncovered
@settings(max_examples=25)
@given(
    ttl=st.integers(1, 86_400_000),
    count=st.integers(1, 99),
    tokens=st.sampled_from(["gpu ssd", "gpu ssd o'clock"]),
    limit=st.none() | st.integers(1, 50),
    scheduler=st.none() | st.just("tests.simulation.sweep.schedulers:refusing"),
)
def test_the_command_of_a_run_asks_for_that_run(
    ttl: int, count: int, tokens: str, limit: int | None, scheduler: str | None
) -> None:
    asked = Asked(None, (("workers.0.capabilities", tokens),), limit, scheduler)
    scenario, source = asked.source()
    made = Plan.make(scenario, [Axis("lease_ttl", (str(ttl),)), Axis("count", (str(count),))], 3, source)
    *_, run = made.runs()
    words = shlex.split(made.replay(run))
    assert words[:2] == ["grantcore", "simulate"]
    context = command.simulate_command.make_context("simulate", words[2:])
    again, back = Asked.of(cast(Given, context.params)).source()
    assert again == from_data(run.work["scenario"])  # type: ignore[arg-type]
    assert back.scheduler == scheduler
    assert isinstance(again.workload, Synthetic)
    assert again.workload.jobs == (limit or Synthetic().jobs)
