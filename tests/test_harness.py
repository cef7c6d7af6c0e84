"""How the benchmarks are run and written down."""

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import harness  # noqa: E402
from harness import Contender, Race, Result  # noqa: E402


def test_contenders_take_turns_and_the_first_round_does_not_count():
    calls = []
    contenders = [
        Contender("one", lambda: calls.append("one"), 2),
        Contender("absent", None, 1, note="not installed"),
        Contender("two", lambda: calls.append("two"), 1),
    ]
    results = harness.run(Race("A race", "call", contenders, rounds=3))
    assert calls == ["one", "two"] * 4
    assert [len(result.seconds) for result in results] == [3, 0, 3]


def test_seconds_are_of_a_unit_of_work(monkeypatch):
    clock = iter([0.0, 10.0, 16.0])
    monkeypatch.setattr(harness.time, "perf_counter", lambda: next(clock))
    (result,) = harness.run(Race("A race", "pair", [Contender("one", lambda: None, 3)], rounds=1))
    assert result.seconds == [2.0]


def test_the_table_compares_with_the_first_that_ran():
    race = Race("A race", "pair", [], goal="5 times")
    results = [
        Result("absent", 1, "not installed"),
        Result("ours", 2, "", [2e-6, 1e-6, 4e-6]),
        Result("theirs", 1, "exact", [3e-4]),
    ]
    lines = harness.table(race, results)
    assert lines[0] == "### A race" and "To reach: 5 times." in lines
    assert "| absent |  | not here |  |  | not installed |" in lines
    assert "| ours | 2 | 2 us | 1 us to 4 us | 1 |  |" in lines
    assert "| theirs | 1 | 300 us | 300 us to 300 us | 150 | exact |" in lines


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.345, "2.35 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 us"), (7e-9, "7 ns")]
)
def test_times_are_readable(seconds, text):
    assert harness.readable(seconds) == text


def test_results_are_kept_by_benchmark(monkeypatch, tmp_path):
    monkeypatch.setattr(harness, "FOLDER", tmp_path)
    facts = {"title": "A race", "unit": "pair", "goal": "", "rounds": 1}
    result = {"name": "ours", "cores": 1, "note": "", "seconds": [1.0]}
    harness.write("second", [{"race": facts, "results": [result]}])
    harness.write("first", [{"race": facts | {"title": "Another"}, "results": [result | {"seconds": [3.0]}]}])
    harness.write("second", [{"race": facts, "results": [result | {"seconds": [2.0]}]}])
    kept = json.loads((tmp_path / "results.json").read_text())
    assert list(kept) == ["first", "second"]
    assert kept["second"]["races"][0]["results"][0]["seconds"] == [2.0]
    page = (tmp_path / "results.md").read_text()
    assert page.index("## first") < page.index("### Another") < page.index("## second")
    assert "| ours | 1 | 2 s | 2 s to 2 s | 1 |  |" in page
    assert "cores: " in page
