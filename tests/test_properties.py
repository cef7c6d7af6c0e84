"""What holds for any input at all: hypothesis looks for the one for which it does not."""

import argparse
import math
import os
from functools import cache

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from faults import broken, tables
from relatives import audio, cli, configuration, consistency, distances, transforms
from relatives.errors import InputError
from relatives.transforms import mp3

RATE = broken.RATE
SHIPPED = yaml.safe_load((tables.ROOT / "config.yaml").read_text())
PLACES = [keys for keys in tables.keys_of(SHIPPED) if keys]

TIMES = int(os.environ.get("EXAMPLES", "1"))
"""How many times as many examples as `make test` tries, which are the same in every run of it."""


def trying(examples):
    """The settings of a test on so many examples."""
    return settings(
        deadline=None,
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


# The configuration

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(tables.STRANGE)
)
keys = st.text(max_size=8) | st.integers() | st.none()
values = st.recursive(
    plain, lambda held: st.lists(held, max_size=4) | st.dictionaries(keys, held, max_size=4), max_leaves=8
)


@trying(100)
@given(st.sampled_from(PLACES), values)
def test_a_value_of_the_configuration_is_valid_or_refused_by_its_key(keys, value):
    config = tables.changed(SHIPPED, keys, value)
    try:
        configuration.check(config)
    except InputError as error:
        words = str(error)
        # a section, too, may be at fault for what is in it, or for what now refers to it
        assert any(key in words for key in keys), words
        assert len(words) < 20_000
    else:
        tables.follow(config)


@trying(100)
@given(st.text(max_size=20), values)
def test_a_key_that_there_is_not_is_named(key, value):
    assume(key not in SHIPPED)
    with pytest.raises(InputError) as error:
        configuration.check(SHIPPED | {key: value})
    assert (
        "no such setting" in str(error.value) or "no text" in str(error.value) or "levels" in str(error.value)
    )


# Files of audio


@cache
def encoded(form):
    return broken.encode(broken.clip("mutated", 0, 0.3), form)


@trying(40)
@given(
    form=st.sampled_from([*broken.FORMATS, "mp3", "m4a", "flac-streamed"]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    end=st.integers(0, 10**6) | st.none(),
    start=st.just(0) | st.integers(0, 200),
)
def test_changed_bytes_are_audio_or_refused(tmp_path, form, changes, end, start):
    data = bytearray(encoded(form))
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path / "a.bin"
    path.write_bytes(data[start : None if end is None else end % len(data)])
    try:
        signal = audio.load(path, RATE)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert signal.dtype == np.float32
        assert signal.ndim == 2
        assert len(signal) > 0


@trying(100)
@given(st.binary(max_size=400))
def test_any_bytes_are_frames_of_mp3_or_refused(stream):
    try:
        rates = mp3.frame_rates(stream)
    except ValueError:
        return
    assert set(rates) <= set(mp3.RATES)


# The transformations

everywhere = [(name, magnitude) for name, grid in transforms.GRID.items() for magnitude in grid]
lengths = st.integers(1, 40) | st.sampled_from([500, 2048, 9000])


@st.composite
def signals(draw):
    """Short, silent, constant, faint, loud, and what is no number."""
    length = draw(lengths)
    kind = draw(st.sampled_from(["noise", "zeros", "constant", "impulse", "drawn"]))
    scale = draw(st.sampled_from([1e-45, 1e-38, 1e-20, 1e-5, 1.0, 30.0, 999.0, 1e6, 1e20, 3e38]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    if kind == "drawn":
        elements = st.floats(width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45])
        return draw(hnp.arrays(np.float32, min(length, 40), elements=elements))
    shapes = {
        "noise": rng.uniform(-1, 1, length),
        "zeros": np.zeros(length),
        "constant": np.ones(length),
        "impulse": np.eye(1, length, rng.integers(length))[0],
    }
    return (shapes[kind] * scale).astype(np.float32)


@trying(150)
@given(st.sampled_from(everywhere), signals())
def test_a_transformed_signal_is_finite_and_as_long_as_promised(place, signal):
    name, magnitude = place
    noise = np.random.default_rng(0).normal(size=3000).astype(np.float32)
    try:
        result = transforms.apply(name, magnitude, signal, RATE, seed=1, noise=noise)
    except InputError as error:
        assert "Audio" in str(error)
        assert not np.isfinite(signal).all() or np.abs(signal).max() > transforms.LOUDEST
        return
    assert np.isfinite(signal).all()
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    expected = max(1, round(len(signal) / magnitude)) if name == "TS" else len(signal)
    assert len(result) == expected


@trying(100)
@given(st.sampled_from([*transforms.UNITS, "XX", ""]), plain | st.text(max_size=5))
def test_a_magnitude_is_allowed_or_refused(name, magnitude):
    try:
        transforms.check(name, magnitude)
    except InputError as error:
        assert repr(name)[1:-1] in str(error) or name in str(error)
        return
    assert name in transforms.UNITS
    assert isinstance(magnitude, int | float)


# Distances

ordinary = st.floats(-(2.0**49), 2.0**49, width=32)
any_float = st.floats(width=32)


def sequences(elements):
    return hnp.arrays(np.float32, st.tuples(*[st.integers(0, 4)] * 3), elements=elements)


@trying(150)
@given(st.sampled_from(["dtw", "simple"]), *[sequences(ordinary) | sequences(any_float)] * 2)
def test_distances_of_sequences(name, queries, references):
    call = distances.dtw if name == "dtw" else lambda a, b: distances.simple(a, b, subsequence=2)
    arrays = queries, references
    try:
        found = call(queries, references)
    except ValueError:
        assert 0 in queries.shape + references.shape or queries.shape[2] != references.shape[2]
        return
    except InputError:
        short = name == "simple" and min(queries.shape[1], references.shape[1]) < 2
        assert short or not all(np.isfinite(array).all() for array in arrays)
        return
    assert found.shape == (len(queries), len(references))
    assert found.dtype == np.float32
    assert not np.isnan(found).any()
    assert (found >= 0).all()
    if max(np.abs(array).max() for array in arrays) <= 2**49:
        assert np.isfinite(found).all()
    same = call(queries, queries)
    assert (np.diag(same) == 0).all()


@trying(150)
@given(
    st.sampled_from(["euclidean", "cosine"]),
    *[hnp.arrays(np.float32, st.tuples(*[st.integers(0, 4)] * 2), elements=any_float)] * 2,
)
def test_distances_of_points(name, queries, references):
    call = getattr(distances, name)
    try:
        found = call(queries, references)
    except ValueError:
        assert 0 in queries.shape + references.shape or queries.shape[1] != references.shape[1]
        return
    except InputError:
        assert not (np.isfinite(queries).all() and np.isfinite(references).all())
        return
    assert found.shape == (len(queries), len(references))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    own = np.diag(call(queries, queries))
    if name == "euclidean":
        assert (own == 0).all()
    else:
        assert (found <= 2 + 1e-12).all()
        assert (own == np.where(np.any(queries, axis=1), 0, 1)).all()


# Consistency

matrices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    elements=st.floats() | st.sampled_from([0.0, 1.0]),
)


@trying(100)
@given(matrices, st.data())
def test_the_errors_of_a_space(matrix, data):
    own = data.draw(hnp.arrays(np.int64, len(matrix), elements=st.integers(-1, 5)))
    try:
        errors = consistency.within_space_errors(matrix, own)
    except ValueError:
        assert ((own < 0) | (own >= matrix.shape[1])).any()
        return
    for row, column, error in zip(matrix, own, errors, strict=True):
        others = np.delete(row, column)
        assert error == (not (row[column] < others).all() or np.isnan(row).any())


@trying(100)
@given(matrices, matrices)
def test_the_correlation_of_spaces(audio_matrix, latent):
    try:
        found = consistency.between_space_correlation(audio_matrix, latent)
    except ValueError:
        assert audio_matrix.shape != latent.shape or audio_matrix.size == 0
        return
    assert math.isnan(found) or -1 <= found <= 1
    if np.isnan(audio_matrix).any() or np.isnan(latent).any():
        assert math.isnan(found)


@trying(100)
@given(*[hnp.arrays(np.float64, st.integers(0, 6), elements=st.sampled_from([0.0, 1.0, np.nan, 2.0]))] * 2)
def test_the_agreement_of_spaces(one, other):
    try:
        found = consistency.between_space_agreement(one, other)
    except ValueError:
        assert len(one) != len(other) or len(one) == 0 or not np.isin([*one, *other], (0, 1)).all()
        return
    assert found == sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


# Arguments


@trying(100)
@given(
    st.text(max_size=30)
    | st.from_regex(r"\d{1,5000}", fullmatch=True)
    | st.sampled_from(["ends", "study", "²", "٣"])
)
def test_an_argument_is_a_number_or_refused(text):
    for kind in (cli._magnitudes, cli._whole(2)):
        try:
            value = kind(text)
        except argparse.ArgumentTypeError:
            continue
        assert value in ("ends", "study") or int(value) >= 0


@trying(100)
@given(st.text())
def test_a_message_is_one_line_of_text(text):
    shown = configuration.shown(text)
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
