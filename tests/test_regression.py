"""What is computed is what was computed when the values of `facts/regression.json` were stored."""

import json

import pytest

from facts import regression

STORED = json.loads(regression.STORED.read_text())


@pytest.mark.parametrize("area", regression.AREAS, ids=lambda area: area.__name__)
def test_nothing_has_moved(area):
    found = list(regression.moved(STORED[area.__name__], regression.values(area)))
    assert not found, "\n".join([*found, regression.advice(STORED["versions"])])


def test_what_moves_is_named_with_how_far_and_what_to_do():
    stored = {
        "a": {"kind": "double", "values": [1.0, 2.0, float("nan")]},
        "b": {"kind": "exact", "values": ["word", 3]},
        "c": {"kind": "single", "values": [1.0]},
    }
    assert list(regression.moved(stored, json.loads(json.dumps(stored)))) == []
    now = {
        "a": {"kind": "double", "values": [1.0, 2.0001, 0.0]},
        "b": {"kind": "exact", "values": ["words", 3]},
        "c": {"kind": "single", "values": [1.0, 2.0]},
        "d": {"kind": "single", "values": []},
    }
    assert list(regression.moved(stored, now)) == [
        "a: 2 of 3 values moved; [2] was nan and is 0, inf of its size, and may move by 1e-06 (double)",
        "b: 1 of 2 values moved; [0] was word and is words, inf of its size, and may move by 0 (exact)",
        "c: 1 values stored, 2 now",
        "d: is only computed now",
    ]
    now["a"]["values"][2] = float("nan")
    assert "[1] was 2 and is 2.0001, 2.8e-05 of its size" in next(regression.moved(stored, now))
    advice = regression.advice(regression.versions() | {"numpy": "1.0"})
    assert "numpy 1.0 -> 2" in advice and "regression.py --write" in advice
