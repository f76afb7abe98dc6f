"""The pictures of the walk-through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.pictures import main
from grantcore.simulation.report.plots import PLOTS

if TYPE_CHECKING:
    from pathlib import Path


def test_every_plot_of_a_scenario_is_written(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("submit_ms,run_ms\n0,1000\n500,3000\n")
    assert main([str(tmp_path / "few.csv"), str(tmp_path)]) == 0
    written = {path.stem for path in tmp_path.glob("*.svg") if "<svg" in path.read_text(encoding="utf-8")}
    assert written == set(PLOTS)
