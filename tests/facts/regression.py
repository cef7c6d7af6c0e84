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
NEIGHBOURS = 9  # of a point of `arc`, whose layout is stored

KINDS = {
    # Whole numbers and words. The draws are integer arithmetic, the same on every CPU. Nearest neighbours and
    # pruned errors compare float32 distances; those that are compared here are 11 % apart or more, and a CPU
    # moves them by a millionth.
    "exact": 0.0,
    # Computed in float64, where another order of sums moves the last of 16 digits; a mean or a difference of
    # large numbers loses some of them, a filter (loudness) and a small linear system (SDR) lose more
    "double": 1e-6,
    # Computed in float32 with 7 digits: how many lanes a CPU sums in, and whether it fuses multiply and add,
    # moves the last of them, and a sum of thousands of terms the last two
    "single": 1e-5,
    # The end of an optimiser. It stops when a step changes less than its own tolerance, so two CPUs stop at
    # points that are as far apart as that tolerance, not as the rounding
    "fitted": 1e-4,
    # After two steps of Adam, which divides a gradient by its own size: where a gradient is all rounding, the
    # step has a full length in a direction that the CPU's rounding gives
    "trained": 1e-3,
    # Of Rubber Band, LAME, the synthesizer: they round to 16 bits or quantise spectra, and a sample that lies
    # at a limit goes to the other side in the build for another CPU
    "codec": 1e-3,
    # What t-SNE keeps, not where it puts it. Its 1,000 steps of gradient descent make a rounding error as
    # large as the plane, so coordinates and distances are no facts. How good the layout is stays: when the
    # points of `arc` moved by a millionth (15 draws), the divergence moved by 2 % and the kept neighbours by
    # 2 %. Half the perplexity moves the divergence by 26 %, 300 steps by 5 %. (A single number may move by
    # twice this share of itself, as it is also the root mean square.)
    "layout": 0.02,
}
"""The kinds of facts, and how far a number may move on another CPU and why, as a share of it and of the
fact's root mean square.

Every kind was tried by hand, in processes of their own, with OPENBLAS_CORETYPE Haswell, Zen and SkylakeX and
ATEN_CPU_CAPABILITY default, avx2 and avx512. Tests and CI set neither: a machine that sets one has a reason.
Between these the kinds moved at most by: exact, double and codec 0; single 4e-7; fitted 2e-10; trained 1e-7;
layout 0.004. What other vendors' CPUs and other builds do is not known, so the limits are wider.

The numbers of R in the CSV files beside this one have limits of 1e-6 or more in their tests, for R and we
stop our optimisers at different points; a CPU moved our fits by 2e-10.
"""

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
    levels = spectrogram.decibel(spectrogram.stft(torch.from_numpy(batch)))
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
    from sklearn.manifold import trustworthiness

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
    points = arc()
    plane = projection.plane(points, 2019, "regression")
    kept, divergence = kept_neighbours(points, plane, NEIGHBOURS), plane_divergence(points, plane)
    yield "projection.plane, neighbours kept", "layout", [kept]
    yield (
        "projection.plane, trustworthiness",
        "layout",
        [trustworthiness(points, plane, n_neighbors=NEIGHBOURS)],
    )
    yield "projection.plane, divergence", "layout", [divergence]


def arc():
    """(60, 8): points at equal steps along an arc that rises out of its plane, turned into 8 dimensions.

    A curve has one good layout, a curve again. Separate clusters have many, one for each arrangement of the
    clusters, and a rounding error chooses among them.
    """
    from relatives import seeds

    place = np.linspace(0, 1, 60)
    curve = np.stack([np.cos(2 * place), np.sin(2 * place), place], axis=1)
    turn = np.linalg.qr(seeds.generator(0, "regression", "arc").standard_normal((8, 8)))[0]
    return curve @ turn[:3]  # (60, 3) @ (3, 8)


def kept_neighbours(points, plane, count):
    """The share of a point's `count` nearest points that are among its nearest in the plane, on average."""

    def nearest(places):
        apart = np.linalg.norm(places[:, None] - places, axis=2)  # (n, 1, d) - (n, d) -> (n, n)
        np.fill_diagonal(apart, np.inf)
        return np.argsort(apart, axis=1)[:, :count]

    both = zip(nearest(points), nearest(plane), strict=True)
    return np.mean([len(set(before) & set(after)) / count for before, after in both])


def plane_divergence(points, plane):
    """The Kullback-Leibler divergence that t-SNE minimises (van der Maaten and Hinton, 2008, eq. 2), anew.

    The probabilities in the space come from a search for each point's bandwidth of its own, not from
    scikit-learn's.
    """
    from relatives import projection

    perplexity = min(projection.PERPLEXITY, (len(points) - 1) / 3)
    joint = np.zeros((len(points), len(points)))
    for row, point in enumerate(points):
        squares = ((points - point) ** 2).sum(axis=1)
        low, high = 1e-6, 1e6  # of the precision, found by halving its logarithm
        for _ in range(100):
            precision = math.sqrt(low * high)
            weights = np.exp(-precision * squares)
            weights[row] = 0
            weights /= weights.sum()
            positive = weights[weights > 0]
            broad = np.exp(-(positive * np.log(positive)).sum()) > perplexity
            low, high = (precision, high) if broad else (low, precision)
        joint[row] = weights
    joint = (joint + joint.T) / (2 * len(points))
    close = 1 / (1 + ((plane[:, None].astype(float) - plane) ** 2).sum(axis=2))  # (n, n)
    np.fill_diagonal(close, 0)
    close /= close.sum()
    there = joint > 1e-12
    return (joint[there] * np.log(joint[there] / close[there])).sum()


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
