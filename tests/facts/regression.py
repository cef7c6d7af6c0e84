"""Small stored values of everything that computes, so that a change of what it computes is seen.

``python tests/facts/regression.py --write`` makes ``regression.json`` again, with the versions that it was
made with; `tests/test_regression.py` compares. The other tests say what is right; these values say what is
the same: they notice a dependency whose new version gives something else, and so would change the science.

A fact is a list of numbers or words of one kind, and the kind says how near is the same.
"""

import argparse
import hashlib
import json
import math
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import tiny_corpus

STORED = Path(__file__).with_suffix(".json")
RATE = 22050

KINDS = {
    "exact": 0.0,  # whole numbers and words
    "double": 1e-6,  # computed in float64
    "single": 1e-5,  # in float32: processors sum in different orders
    "fitted": 1e-4,  # the end of an optimiser, which stops within its own tolerance
    "trained": 1e-3,  # after steps of Adam, which divides by small gradients
    "codec": 1e-3,  # of Rubber Band, LAME, the synthesizer: each platform's build rounds otherwise
    "layout": 0.05,  # t-SNE, which makes differences larger; its distances still are those of this layout
}
"""The kinds of facts, and how far a number may move, as a share of it and of the fact's root mean square."""

PACKAGES = (
    "numpy", "scipy", "pandas", "numba", "torch", "torchaudio", "librosa", "soxr", "pyloudnorm", "soundfile",
    "pedalboard", "imageio-ffmpeg", "scikit-learn", "statsmodels",
)  # fmt: skip


def signal(seconds=1.0, number=0):
    """A closed form: three gliding partials that swell, and noise of the seeded generator."""
    from relatives import seeds

    time = np.arange(round(seconds * RATE)) / RATE
    glide = 2 * np.pi * (220 * (1 + 0.5 * number) * time + 30 * np.sin(2 * np.pi * 1.5 * time))
    tone = sum(np.sin(k * glide) / k for k in (1, 2, 5)) * (0.5 + 0.4 * np.sin(2 * np.pi * 3 * time))
    noise = seeds.generator(0, "regression", number).random(len(time)) - 0.5
    return (0.2 * tone + 0.02 * noise).astype(np.float32)


def look(audio):
    """Of an array: moments, range, and a few of its values."""
    flat = np.asarray(audio, np.float64).ravel()
    places = np.linspace(0, len(flat) - 1, 9).astype(int)[1:-1]
    return [flat.mean(), flat.std(), flat.min(), flat.max(), np.abs(np.diff(flat)).mean(), *flat[places]]


def sequences():
    from relatives import seeds

    draw = seeds.generator(0, "regression", "sequences").random
    references = 10 * draw((6, 30, 5))
    return references[:5] + 5 * draw((5, 30, 5)), references


def draws():
    from relatives import seeds

    generator = seeds.generator(2019, "regression", 1)
    yield "draws.integers", "exact", generator.integers(2**40, size=6)
    yield "draws.normal", "double", generator.standard_normal(6)
    yield "draws.choice", "exact", generator.choice(50, 6, replace=False)
    yield "draws.number", "exact", [str(seeds.number(2019, "transforms", "x"))]


def distances():
    from relatives import consistency
    from relatives.distances import cosine, dtw, euclidean, simple

    queries, references = sequences()
    yield "distances.dtw", "single", dtw(queries, references, device="cpu")
    yield "distances.fastdtw", "single", dtw(queries[:2], references[:2], backend="fastdtw")
    yield "distances.simple", "single", simple(queries, references, 6, device="cpu")
    yield "distances.simple of one coefficient", "single", simple(queries[..., :1], references[..., :1], 8)
    points, others = queries.mean(axis=1), references.mean(axis=1)
    yield "distances.euclidean", "single", euclidean(points, others)
    yield "distances.cosine", "single", cosine(points, others)
    own = np.array([0, 1, 2, 3, 0])
    for distance in ("dtw", "simple"):
        errors, computed = consistency.within_space_errors_pruned(queries, references, own, distance, 6)
        yield f"distances.pruned {distance}", "exact", errors
        yield f"distances.pruned {distance}, share computed", "double", [computed]


def measures():
    from relatives import consistency
    from relatives.distances import dtw, euclidean
    from relatives.statistics import bootstrap
    from relatives.tasks import separation, tagging

    queries, references = sequences()
    audio = dtw(queries, references, device="cpu")
    latent = euclidean(queries.mean(axis=1), references.mean(axis=1))
    own = np.array([0, 1, 2, 3, 0])
    one, other = (consistency.within_space_errors(matrix, own) for matrix in (audio, latent))
    yield "measures.within, audio", "exact", one
    yield "measures.within, latent", "exact", other
    yield "measures.agreement", "double", [consistency.between_space_agreement(one, other)]
    yield (
        "measures.correlation",
        "double",
        [
            consistency.between_space_correlation(audio, latent),
            consistency.between_space_correlation(audio, latent, own),
        ],
    )
    weights = bootstrap.weights(5, 40, seed=3)
    square = [consistency.prepare(matrix) for matrix in (audio[:, :5], latent[:, :5])]
    for name, compare in (("correlation", consistency.compare), ("rows", consistency.compare_rows)):
        value, influences = compare(*square)
        yield f"measures.{name} and influences", "double", [*np.ravel(value), *influences]
        draws = consistency.bootstrap_correlation(np.mean(value), influences, weights)
        yield f"measures.bootstrapped {name}", "double", draws[:8]
    yield "measures.bootstrap weights", "double", weights[:3]
    yield "measures.bootstrap interval", "double", np.ravel(bootstrap.interval(latent[:, 0], weights))
    scores = latent[:4] - latent[:4].mean()
    yield "measures.auc", "double", tagging.auc(scores, (audio[:4] > np.median(audio)).astype(int))
    stems = np.stack([signal(1, 3), signal(1, 4)])
    yield "measures.sdr", "double", separation.sdr(stems, stems + 0.1 * stems[::-1], RATE // 2)


def sound():
    from relatives import audio, seeds, transforms
    from relatives.corpora.synthetic import ambience
    from relatives.transforms.noise import pink

    music = signal(2)
    yield "audio.resample", "single", look(audio.resample(music, RATE, 16000))
    yield "audio.loudness", "double", [audio.loudness(music, RATE)]
    yield "noise.pink", "single", look(pink(RATE, seeds.generator(0, "regression", "pink")))
    bar = ambience.bar(1.0, RATE, seeds.generator(0, "regression", "bar"))
    yield "noise.bar", "codec", look(bar)
    magnitudes = {
        "PS": (-7, 0.25, 12),
        "TS": (0.7, 1.02, 1.5),
        "PN": (-15, 6),
        "EN": (-15, 6),
        "MP": (8, 64, 192),
    }
    for name, values in magnitudes.items():
        for value in values:
            moved = transforms.apply(name, value, music, RATE, seed=5, noise=bar)
            kind = "codec" if name != "PN" else "single"
            yield f"transforms.{name} {value}", kind, look(moved)
            yield f"transforms.{name} {value}, samples", "exact", [len(moved)]
    mixture, part = transforms.excerpt("PS", 4, music, RATE, RATE, companion=music / 2)
    yield "transforms.PS 4, companion", "codec", [*look(mixture), *look(part)]


def features():
    import torch

    from relatives.features import mfcc, spectrogram

    fading = signal(1, 1) * np.geomspace(1, 1e-7, RATE, dtype=np.float32)  # below what is heard, and clipped
    batch = np.stack([signal(1), fading])
    levels = spectrogram.decibel(spectrogram.stft(torch.from_numpy(batch)).abs())
    yield "features.stft", "single", [*look(levels), *look(levels[1, ::9])]
    yield "features.mel", "single", [*look(mfcc.mel_db(batch, RATE)), *mfcc.mel_db(batch, RATE)[1, -1, ::16]]
    found = mfcc.sequences(batch, RATE)
    yield "features.mfcc", "single", [*look(found), *found[1, 7], *found[1, -5]]
    yield "features.mfcc statistics", "single", mfcc.statistics(found)[:, ::9]


def networks():
    import torch

    from relatives import embedding, training
    from relatives.models import networks
    from relatives.tasks import TASKS

    excerpts = np.stack([signal(tiny_corpus.SAMPLES / RATE, number) for number in range(3)])
    for task in TASKS:
        with tempfile.TemporaryDirectory() as folder:
            corpus, cache = tiny_corpus.make(folder, task)
            for encoder in ("VGG", "MFCC"):
                settings = tiny_corpus.settings(task, encoder)
                network = networks.build(settings, cache.mean, cache.deviation, 0, 0)
                weights = [weight.detach().double().sum().item() for weight in network.parameters()]
                yield f"networks.{task} {encoder} weights", "single", weights[:: max(1, len(weights) // 6)]
                places = np.arange(3), np.zeros(3, int)
                inputs = TASKS[task].module.read(network, corpus, cache, *places)[0]
                with torch.inference_mode():
                    points = networks.for_inference(network).encode(inputs)
                yield f"networks.{task} {encoder} encoded", "single", look(points)
                steps = {
                    "steps": 2, "batch": 4, "rate": 1e-3, "amsgrad": False, "weight_decay": 0.0,
                    "validate_every": 1, "validation_crops": 3, "patience": None, "explosion": None,
                    "checkpoint_every": 100, "threads": 1, "device": "cpu", "precision": "float32",
                }  # fmt: skip
                with open(Path(folder, "log"), "w") as log:
                    training.train(network, corpus, cache, steps, folder, 0, 0, log)
                history = np.loadtxt(Path(folder, "history.csv"), delimiter=",", skiprows=1)
                yield f"training.{task} {encoder} first loss", "single", history[:1, 1]
                yield f"training.{task} {encoder} losses", "trained", [history[1, 1], *history[:, 2]]
    encode = embedding.encoder("mfcc", RATE)
    yield "networks.mfcc embedded", "single", look(embedding.embed(encode, excerpts))


def models():
    from relatives import projection, statistics
    from test_additive import composed
    from test_hierarchical import crossed

    fit = statistics.gam(
        composed(), "y", ["space", "transformation"], "magnitude", ["space", "transformation"], basis=6
    )
    yield "statistics.gam", "fitted", [fit.r_squared, fit.residual_df, *fit.anova()["F"]]
    means = fit.marginal_means(["space"])
    yield "statistics.marginal means", "fitted", np.ravel(means[["mean", "se", "lower", "upper"]])
    differences = fit.differences(["space"]).select_dtypes("number")
    yield "statistics.differences", "fitted", np.ravel(differences)
    fit = statistics.mixed(
        crossed(), "y", "0 + space", {"excerpt": "excerpt", "network": "network"},
        {"excerpt": "1", "network": "1"},
    )  # fmt: skip
    yield "statistics.mixed, fixed", "fitted", np.ravel(fit.fixed.select_dtypes("number"))
    yield "statistics.mixed, variances", "fitted", np.ravel(fit.variances.select_dtypes("number"))
    queries, references = sequences()
    points = np.concatenate([queries, references]).mean(axis=1)
    plane = projection.plane(points, 2019, "regression")
    apart = np.linalg.norm(plane[:, None] - plane, axis=2)[np.triu_indices(len(plane), 1)]
    yield "projection.plane, distances", "layout", np.sort(apart)[::5]


def corpora():
    from relatives import corpora

    kinds = {"tagging": {"songs": 30}, "instruments": {"songs": 30}, "separation": {"songs": 12}}
    for kind, settings in kinds.items():
        settings = settings | {"kind": kind, "seconds": 2.0, "split": [0.6, 0.2, 0.2]}
        track = next(iter(corpora.source("synthetic").tracks(settings, RATE, 2019, 1)))
        audio = track.stems if track.audio is None else track.audio
        yield f"corpora.{kind}", "codec", look(audio)
        known = [track.track_id, track.split, track.song, track.artist, track.album, track.year, audio.shape]
        known += [
            sorted((track.labels or {}).items()),
            sorted((name, str(x)) for name, x in track.extra.items()),
        ]
        yield f"corpora.{kind}, what is known", "exact", [hashlib.sha256(repr(known).encode()).hexdigest()]


AREAS = (draws, distances, measures, sound, features, networks, models, corpora)


def values(area):
    """The facts of an area as JSON holds them: name to kind and values."""
    return {
        name: {"kind": kind, "values": [_plain(value) for value in np.asarray(found).ravel()]}
        for name, kind, found in area()
    }


def _plain(value):
    value = value.item() if isinstance(value, np.generic) else value
    return float(f"{value:.9g}") if isinstance(value, float) else value


def versions():
    return {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def moved(stored, now):
    """What differs between the stored facts and those of now: a sentence a fact, on what moved farthest."""
    for name in sorted(stored.keys() | now.keys()):
        if name not in stored or name not in now:
            yield f"{name}: is only {'stored' if name in stored else 'computed now'}"
            continue
        kind, old, new = stored[name]["kind"], stored[name]["values"], now[name]["values"]
        if len(old) != len(new):
            yield f"{name}: {len(old)} values stored, {len(new)} now"
            continue
        shares = _shares(old, new)
        count = sum(share > KINDS[kind] for share in shares)
        if count:
            place = shares.index(max(shares))
            yield (
                f"{name}: {count} of {len(old)} values moved; [{place}] was {_short(old[place])} and is "
                f"{_short(new[place])}, {shares[place]:.2g} of its size, and may move by {KINDS[kind]:g} "
                f"({kind})"
            )


def _shares(old, new):
    """How far each value moved, as a share of it and the root mean square; infinity of what is no number."""
    numbers = [value for value in old if not isinstance(value, str) and math.isfinite(value)]
    scale = math.sqrt(sum(value**2 for value in numbers) / max(len(numbers), 1))
    shares = []
    for before, after in zip(old, new, strict=True):
        if before == after or (before != before and after != after):
            shares.append(0.0)
        elif isinstance(before, str) or isinstance(after, str) or not math.isfinite(before - after):
            shares.append(math.inf)
        else:
            shares.append(abs(after - before) / (abs(before) + scale))
    return shares


def _short(value):
    return value if isinstance(value, str) else f"{value:.9g}"


def advice(stored_versions):
    """What to do about values that moved."""
    now = versions()
    others = [
        f"{name} {stored_versions.get(name)} -> {now[name]}"
        for name in now
        if stored_versions.get(name) != now[name]
    ]
    return (
        f"Other versions than when the values were stored: {', '.join(others) or 'none'}. Look first at what "
        f"changed in the dependency or in the code, and whether results change with it. Only if the change "
        f"is understood and wanted: python tests/facts/regression.py --write"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="store the values of now")
    facts = {area.__name__: values(area) for area in AREAS}
    if parser.parse_args().write:
        lines = ",\n".join(
            f" {json.dumps(area)}: {{\n"
            + ",\n".join(f"  {json.dumps(name)}: {json.dumps(fact)}" for name, fact in found.items())
            + "\n }"
            for area, found in ({"versions": versions()} | facts).items()
        )
        STORED.write_text(f"{{\n{lines}\n}}\n")
        return
    stored = json.loads(STORED.read_text())
    found = [line for area, now in facts.items() for line in moved(stored[area], now)]
    print("\n".join([*found, advice(stored["versions"])] if found else ["nothing moved"]))


if __name__ == "__main__":
    main()
