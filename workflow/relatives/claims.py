"""The findings of the study, each held against this run: its number, this run's number, a verdict.

A finding is cut into parts. A part is one quantity of this run with an interval, and the side of a bound on
which the finding puts it. It is supported if the whole interval lies on that side, contradicted if the whole
interval lies on the other, else not decided. A finding is contradicted if a part of it is, supported if all
are, else not decided; what a run did not make it cannot decide. Findings 1 to 10 are those that the study
presents as its results. 11 to 17 are further sentences of the paper that the tables of a run can test.

The intervals
-------------
Which interval decides depends on what the sentence is about.

Differences between spaces (findings 3, 5, 6, 10, 14, 15)
    A mixed model, in which the trained networks and the excerpts are random (`analyses.mixed_models`). A
    finding is contradicted by any one of its differences, so ten intervals of 95 % would contradict a true
    order too often. The intervals are therefore simultaneous for all pairs of the study's five spaces: those
    of Tukey and Kramer on the degrees of freedom of each difference. The interval of
    Tukey for the study's additive model (of the study's spaces alone) stands beside and decides nothing: it
    takes the networks of the run as given.
Differences between encoders and tasks (finding 2)
    The additive model, with Tukey's simultaneous intervals. No mixed model of the performance is fitted.
All others
    The bootstrap over excerpts, 95 % for each part by itself, the networks of the run taken as given. That
    includes the ratios of F (2, 4, 11, 13), whose additive models are of the study's levels alone. Finding 17
    has a part for each network, with an interval over songs; the untrained networks stand beside.

When the rules were made
------------------------
The rules follow from the words of the findings. Where the words have no number ("very high"), the bound is
our reading, a constant below, fixed before the quantity was looked at in a run. Rules that were changed after
a run had been looked at:

* after the first embedded run: finding 10 compares all pairs instead of neighbours (its verdict stayed), and
  ratios of F got an interval (finding 4, contradicted by a bare ratio of 1.02, became undecided);
* after a review of a later embedded run, whose verdicts were known: findings 3, 5, 6 and 10 are judged by
  mixed models instead of the additive ones (the review showed that 3, 5 and 6, then contradicted, would not
  be decided); finding 1 has a part for each transformation instead of their mean, which was supported
  although pink noise failed; finding 4 tests what the paper says, which is another comparison; the flatness
  of finding 6 is relative to each space's own correlation; kappa stands beside finding 7; findings 11 to 17
  are new;
* after the first run with untrained networks: in the mixed models these have a variance of their own, and
  MFCC, which is not trained, has none. With one variance for all, the intervals between trained spaces were
  almost three times as wide, as untrained networks differ more from one another, and those of MFCC went
  beyond 1 (findings 5 and 15, then not decided, became contradicted).

Terms
-----
smallest : the study's smallest transformations (`transforms.SMALLEST`), as far as the run has them.
gravest : the ends of the run's magnitudes; PS and TS have two, one a direction.
Over several transformations a quantity is the mean of that of each, whatever number of magnitudes it has.

Sources
-------
"Are Nearby Neighbors Relatives? Testing Deep Music Embeddings" (2019), sections 5 and 6; its numbers below
are from there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache, wraps
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from scipy import stats

from relatives import study
from relatives.consistency import between_space_kappa
from relatives.figures import style
from relatives.models import UNTRAINED
from relatives.performance import unit
from relatives.statistics import bootstrap
from relatives.study import AUDIO, LATENT
from relatives.tables import PLACE
from relatives.transforms import ORIGINAL, SMALLEST

SUPPORTED, CONTRADICTED, UNDECIDED = VERDICTS = ("supported", "contradicted", "not decided by this run")
BESIDE = "decides nothing"
"""In place of a verdict, of a quantity that stands beside the parts of a finding."""

EVIDENCE = [
    *("claim", "quantity", "study", "run", "lower", "upper"),
    *("additive", "additive_lower", "additive_upper", "rule", "verdict"),
]
CLAIMS = ["claim", "kind", "section", "statement", *EVIDENCE[1:]]
FINDING, FURTHER = KINDS = ("finding", "further sentence")

# Our reading of words
VERY_HIGH = 0.9  # "very high consistency", "close to 1": nine of ten keep their original nearest (5.2, 5.4.2)
SENSITIVE = (
    0.75  # "undesirably high sensitivity": one of four loses its original to what is hardly heard (5.4.2)
)
FAILED = 0.25  # "substantially low": three points of four have lost their original (section 5.3.1)
FAR = 0.25  # "much better", of correlations: by a quarter of the way from none to full (section 5.3.2)
NEARLY_FLAT = (
    0.25  # "quite robust to the magnitude": changes by less than a quarter of itself (section 5.3.2)
)

# The study's marginal means (sections 5.2 and 5.3.2), in its order, which is that of the finding
WITHIN = {"mfcc": 0.741, "AT": 0.671, "IR": 0.539, "VS": 0.331, "AE": 0.170}
CORRELATION = {"mfcc": 0.881, "AE": 0.209, "IR": 0.184, "VS": 0.181, "AT": 0.080}
# Agreement (section 5.3.1): of the networks it tells the highest and the lowest
AGREEMENT = {"mfcc": 0.796, "AT": 0.731, "IR": None, "VS": None, "AE": 0.273}

LOUDNESS = "loudness of neighbours"
"""The measure of the table songs_scores that finding 17 is about."""

TUKEY = "simultaneous 95 % interval (additive model, Tukey)"
OVER_NETWORKS = (
    "simultaneous 95 % interval over networks and excerpts (mixed model; all pairs of the study's spaces)"
)


class Missing(Exception):
    """Raised when the run lacks what a quantity needs; its message replaces the rule."""


@dataclass(frozen=True)
class Estimate:
    """A number of this run.

    Attributes
    ----------
    value, lower, upper : float
    interval : str
        What lower and upper are, in words.
    reason : str
        Why it decides nothing, in words; empty where it does.
    additive : tuple of three float
        The same by the study's additive model, beside it: value, lower, upper; NaN where it has none.
    """

    value: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    interval: str = ""
    reason: str = ""
    additive: tuple[float, float, float] = (np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Part:
    """A part of a finding: the quantity, what the study says of it, this run's estimate, where it should lie.

    Attributes
    ----------
    quantity, study : str
    estimate : Estimate
    bound : float
    above : bool
        The finding puts the quantity above the bound; else below.
    decides : bool
        Whether it counts in the verdict; else it stands beside.
    """

    quantity: str
    study: str
    estimate: Estimate
    bound: float = 0.0
    above: bool = True
    decides: bool = True

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`, or `BESIDE`."""
        if not self.decides:
            return BESIDE
        if self.estimate.reason:
            return UNDECIDED
        lower, upper = self.estimate.lower, self.estimate.upper
        if lower > self.bound if self.above else upper < self.bound:
            return SUPPORTED
        if upper <= self.bound if self.above else lower >= self.bound:
            return CONTRADICTED
        return UNDECIDED

    @property
    def rule(self) -> str:
        """How the verdict comes about; or, where nothing could be judged, why not."""
        if self.estimate.reason:
            return self.estimate.reason
        if not self.decides:
            return f"decides nothing, stands beside with its {self.estimate.interval}"
        here, there = ("above", "below") if self.above else ("below", "above")
        return (
            f"supported if the {self.estimate.interval} lies {here} {self.bound:g}; "
            f"contradicted if it lies at or {there} {self.bound:g}"
        )


@dataclass(frozen=True)
class Finding:
    """A sentence of the study that a run can support or contradict.

    Attributes
    ----------
    number : int
    statement : str
        In our words. It is data and no docstring: the fingerprint of the code sees it, so that a change of
        the words makes the tables again.
    parts : callable
        Of a `Run`: yields the parts.
    section : str
        Of the paper.
    further : bool
        It is not one of the ten that the study presents as its results.
    """

    number: int
    statement: str
    parts: Callable[["Run"], Iterator[Part]]
    section: str = ""
    further: bool = False


def evaluate(
    tables: Mapping[str, pd.DataFrame], draws: int, level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold the findings against a run.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The tables of the run by name, as far as it made them: of `relatives.tables` within, between,
        between_draws, performance, performance_trials; songs_scores; of the additive models fit, anova,
        resampled_f, differences; of the mixed models mixed_differences, mixed_variances, mixed_fit. Others
        are not looked at.
    draws : int
        Of the bootstrap.
    level : float
        Of the bootstrap intervals. Those of the models are as they were made, 95 %.
    seed : int
        Of the bootstrap.

    Returns
    -------
    claims : DataFrame
        A row a finding: claim (its number), kind (one of `KINDS`), section, statement; then quantity, study,
        run, lower, upper, additive, additive_lower, additive_upper, rule of the part that decides, which is
        the first contradicted one, else the first that is not decided, else the first; and verdict. lower and
        upper are NaN where the quantity has no interval; additive is the same quantity by the study's
        additive model, where a mixed model decides.
    evidence : DataFrame
        A row a part: the same without kind, section and statement. A verdict "decides nothing" is of a
        quantity beside the parts.
    """
    run = Run(tables, draws, level, seed)
    claims, evidence = [], []
    for finding in FINDINGS:
        rows = [
            {
                "claim": finding.number,
                "quantity": part.quantity,
                "study": part.study,
                "run": part.estimate.value,
                "lower": part.estimate.lower,
                "upper": part.estimate.upper,
                **dict(zip(EVIDENCE[6:9], part.estimate.additive, strict=True)),
                "rule": part.rule,
                "verdict": part.verdict,
            }
            for part in finding.parts(run)
        ]
        order = (CONTRADICTED, UNDECIDED, SUPPORTED)
        decisive = min(
            (row for row in rows if row["verdict"] != BESIDE), key=lambda row: order.index(row["verdict"])
        )
        claims.append(
            {
                "kind": FURTHER if finding.further else FINDING,
                "section": finding.section,
                "statement": finding.statement,
                **decisive,
            }
        )
        evidence += rows
    return pd.DataFrame(claims)[CLAIMS], pd.DataFrame(evidence)[EVIDENCE]


# --- The findings -------------------------------------------------------------------------------------------


def audio_distances(run: "Run") -> Iterator[Part]:
    """Very high at the smallest of each transformation; a fall of each but TS under DTW."""
    quantities = {
        distance: f"consistency of the audio space ({style.DISTANCES[distance].label})" for distance in AUDIO
    }
    for distance, quantity in quantities.items():
        for transformation in SMALLEST:
            yield Part(
                f"{quantity} at the smallest {transformation}",
                "very high",
                run.consistency_at_smallest("audio", distance, transformation),
                bound=VERY_HIGH,
            )
    for distance, quantity in quantities.items():
        for transformation in SMALLEST:
            if (transformation, distance) != ("TS", "dtw"):
                yield Part(
                    f"{quantity} under {transformation}: smallest − gravest",
                    "falls",
                    run.fall("audio", distance, transformation),
                )
    for transformation in SMALLEST:
        if transformation != "TS":
            yield Part(
                f"fall of consistency of the audio space (DTW): {transformation} − TS",
                "TS is the exception",
                run.fall("audio", "dtw", transformation, less="TS"),
            )


def task_performance(run: "Run") -> Iterator[Part]:
    """VGG above MFCC by the largest of all effects; the gap between them by task."""
    yield Part(
        "performance in standard units: VGG − MFCC",
        f"{0.84 + 0.52:.2f}",
        run.difference("performance", "encoder", "VGG", "MFCC"),
    )
    yield Part(
        "F of the encoder / the largest other F, performance",
        f"{12898 / 466:.1f}",
        run.dominance("performance", "encoder"),
        bound=1,
    )
    gap = "VGG − MFCC in standard units: in {} − in {}"
    for task in ("AT", "IR", "VS"):
        yield Part(gap.format("AE", task), "largest for AE", run.difference("performance", "gap", "AE", task))
    for task in ("AT", "IR"):
        yield Part(
            gap.format(task, "VS"), "smallest for VS", run.difference("performance", "gap", task, "VS")
        )


def within_latent_spaces(run: "Run") -> Iterator[Part]:
    """All pairs, as all differ."""
    yield from _order(run, "within_euclidean", "consistency (Euclidean)", WITHIN, combinations(WITHIN, 2))


def cosine_is_robuster(run: "Run") -> Iterator[Part]:
    """F of the space over F of the transformation: under the cosine distance, and against the Euclidean."""
    quantity = "F of the space / F of the transformation, consistency"
    yield Part(
        f"{quantity} (cosine)",
        f"{1263 / 913:.2f}",
        run.ratio_of_f("within_cosine", "space", "transformation"),
        bound=1,
    )
    yield Part(
        f"{quantity}: cosine / Euclidean",
        f"{(1263 / 913) / (1066 / 1087):.2f}",
        run.ratio_of_ratios("within_cosine", "within_euclidean", "space", "transformation"),
        bound=1,
    )


def agreement(run: "Run") -> Iterator[Part]:
    """Neighbours in the order."""
    yield from _order(
        run, "agreement_simple_cosine", "agreement (SiMPle, cosine)", AGREEMENT, pairwise(AGREEMENT)
    )


def correlation(run: "Run") -> Iterator[Part]:
    """MFCC far above each network, the networks in their order, each space flat; eq. 11 by excerpt beside."""
    model, quantity = "correlation_dtw_euclidean", "correlation (DTW, Euclidean)"
    first, *networks = CORRELATION
    yield from _order(run, model, quantity, CORRELATION, [(first, other) for other in networks], FAR)
    yield from _order(run, model, quantity, CORRELATION, pairwise(networks))
    for space in CORRELATION:
        yield Part(
            f"{quantity} of {_space(space)}: smallest − gravest without its sign, mean over transformations, "
            "as a share of its mean",
            "quite robust",
            run.change_of_correlation("dtw", "euclidean", space),
            bound=NEARLY_FLAT,
            above=False,
        )
    yield from _order(
        run,
        "correlation_by_excerpt_dtw_euclidean",
        "correlation (DTW, Euclidean), one an excerpt",
        dict.fromkeys(CORRELATION),
        pairwise(CORRELATION),
        decides=False,
    )


def agreement_rises_again(run: "Run") -> Iterator[Part]:
    """Of each space, where it and the audio space fail; and whether agreement beyond chance rises, beside."""
    for space in AGREEMENT:
        yield Part(
            f"agreement (SiMPle, cosine) of {_space(space)} where both spaces fail: "
            "gravest − lowest on the way there",
            "rises",
            run.rise_of_agreement(space, "simple", "cosine"),
        )
    for space in AGREEMENT:
        yield Part(
            f"the same of the agreement of {_space(space)} beyond chance (Cohen's kappa)",
            "not said",
            run.rise_of_agreement(space, "simple", "cosine", beyond_chance=True),
            decides=False,
        )


def noise_is_easily_reconstructed(run: "Run") -> Iterator[Part]:
    """The error of AE falls."""
    yield Part(
        "mean squared error of AE (VGG) under EN: smallest (30 dB) − gravest",
        "gets better",
        run.fall_of_performance("AE", "VGG", "EN"),
    )


def smallest_degrade_performance(run: "Run") -> Iterator[Part]:
    """Every task of the study is degraded, and by PS more than by each other."""
    for task in study.TASKS:
        yield Part(
            f"performance of {task} (VGG) in standard units: smallest transformations − originals",
            "degraded",
            run.change_of_performance((task,), "VGG", SMALLEST),
            above=False,
        )
    for transformation in SMALLEST:
        if transformation != "PS":
            yield Part(
                "performance (VGG) in standard units at the smallest, mean over tasks: "
                f"{transformation} − PS",
                "PS degrades most",
                run.change_of_performance(study.TASKS, "VGG", (transformation,), less="PS"),
            )


def originals_foretell_the_order(run: "Run") -> Iterator[Part]:
    """All pairs in the order that the originals give them: two may have one though a third lies between."""
    order = run.order_on_originals("dtw", "euclidean", tuple(CORRELATION))
    for first, second in combinations(order, 2):
        yield Part(
            f"correlation (DTW, Euclidean) on transformed audio: {_space(first)} − {_space(second)}, "
            "in their order on originals",
            "same order",
            run.difference_ordered_on_originals("dtw", "euclidean", first, second),
        )


def second_largest_effect(run: "Run") -> Iterator[Part]:
    """Below the encoder and above all others."""
    quantity = "F of task × transformation"
    yield Part(
        f"F of the encoder / {quantity}, performance",
        f"{12898 / 466:.1f}",
        run.ratio_of_f("performance", "encoder", "task:transformation"),
        bound=1,
    )
    yield Part(
        f"{quantity} / the largest other F but the encoder's, performance",
        f"{466 / 210:.1f} (task × encoder)",
        run.dominance("performance", "task:transformation", beside=("encoder",)),
        bound=1,
    )


def medians_at_smallest(run: "Run") -> Iterator[Part]:
    """The box of Figure 12 of each space, under both distances."""
    for distance in LATENT:
        for space in WITHIN:
            near = space in ("mfcc", "AT", "IR")
            yield Part(
                f"median consistency of {_space(space)} ({style.DISTANCES[distance].label}) "
                "at the smallest transformations",
                "close to 1" if near else "undesirably high sensitivity",
                run.median_at_smallest(space, distance),
                bound=VERY_HIGH if near else SENSITIVE,
                above=near,
            )


def effects_between_spaces(run: "Run") -> Iterator[Part]:
    """Of each of the eight models."""
    known = {
        "agreement_simple_cosine": (f"{440 / 285:.2f}", "not said"),
        "correlation_dtw_euclidean": ("about two orders of magnitude", "not said"),
    }
    # Of the other three pairs of distances
    others = {
        "agreement": ("largest", "considerably smaller"),
        "correlation": ("very similar", "very similar"),
    }
    for measure in ("agreement", "correlation"):
        for audio in AUDIO:
            for latent in LATENT:
                model = f"{measure}_{audio}_{latent}"
                words = f"{measure} ({style.pair_label((audio, latent))})"
                first, second = known.get(model, others[measure])
                yield Part(
                    f"F of the space / F of the transformation, {words}",
                    first,
                    run.ratio_of_f(model, "space", "transformation"),
                    bound=1,
                )
                yield Part(
                    f"F of the transformation / F of their interaction, {words}",
                    second,
                    run.ratio_of_f(model, "transformation", "space:transformation"),
                    bound=1,
                )


def lead_of_mfcc(run: "Run") -> Iterator[Part]:
    """The lead over each network, under both distances of the audio space."""
    first, *networks = CORRELATION
    for audio in AUDIO:
        for other in networks:
            yield Part(
                f"correlation ({style.DISTANCES[audio].label}), {_space(first)} − {_space(other)}: "
                "under the Euclidean distance − under the cosine",
                "clearer",
                run.over_networks(f"correlation_{audio}_euclidean-cosine", first, other),
            )


def reversed_orders(run: "Run") -> Iterator[Part]:
    """Neighbouring networks, in the order of section 6.2 and in its reverse, under the same distances.

    Under DTW and the Euclidean distance the paper's own means have IR (.184) above VS (.181): finding 6.
    """
    order = ("AT", "IR", "VS", "AE")
    for model, quantity, spaces in (
        ("agreement_simple_cosine", "agreement (SiMPle, cosine)", order),
        ("correlation_simple_cosine", "correlation (SiMPle, cosine)", order[::-1]),
    ):
        yield from _order(run, model, quantity, dict.fromkeys(spaces), pairwise(spaces))


def consistency_fades(run: "Run") -> Iterator[Part]:
    """Within each latent space; between spaces agreement rises again, which is finding 7."""
    for distance in LATENT:
        for space in WITHIN:
            yield Part(
                f"consistency of {_space(space)} ({style.DISTANCES[distance].label}): smallest − gravest, "
                "mean over transformations",
                "lower",
                run.fall_over_transformations(space, distance),
            )


def vocals_order_the_songs(run: "Run") -> Iterator[Part]:
    """For each network, its neighbours' loudness against chance; beside them, what needs no training."""
    for space in ("VS", UNTRAINED):
        for trial, estimate, chance in run.loudness_of_neighbours(space):
            yield Part(
                "rank correlation of an excerpt's vocal loudness with that of its neighbours of other songs, "
                f"{_space(space)}{trial}",
                "close together" if space == "VS" else "–",
                estimate,
                bound=chance,
                decides=space == "VS",
            )


FINDINGS = (
    Finding(
        1,
        "Both audio distances are consistent for small transformations; consistency falls with magnitude, TS "
        "under DTW excepted.",
        audio_distances,
        "5.2",
    ),
    Finding(
        2,
        "Task performance depends most on the encoder, VGG above MFCC; the gap between the two is largest "
        "for AE and smallest for VS.",
        task_performance,
        "5.1",
    ),
    Finding(
        3,
        "Within the latent spaces MFCC is the most consistent, then AT, IR, VS and AE; all differ.",
        within_latent_spaces,
        "5.2",
    ),
    Finding(
        4,
        "Under the cosine distance the effect of the space exceeds that of the transformation, under the "
        "Euclidean they are about equal: cosine is slightly more robust to transformations.",
        cosine_is_robuster,
        "5.2",
    ),
    Finding(
        5,
        "MFCC agrees most with the audio space (SiMPle, cosine), then AT, IR, VS and AE.",
        agreement,
        "5.3.1",
    ),
    Finding(
        6,
        "MFCC correlates by far the most with the audio space (DTW, Euclidean), then AE, IR, VS and AT; the "
        "correlation is nearly flat in magnitude.",
        correlation,
        "5.3.2",
    ),
    Finding(
        7,
        "Where both the audio and the latent space fail, under grave transformations, agreement rises again.",
        agreement_rises_again,
        "5.3.1",
    ),
    Finding(
        8,
        "The reconstruction of AE gets better with more environmental noise.",
        noise_is_easily_reconstructed,
        "5.1",
    ),
    Finding(
        9,
        "Already the smallest transformations degrade task performance, PS most.",
        smallest_degrade_performance,
        "5.4.1",
    ),
    Finding(
        10,
        "The correlation on originals alone orders the spaces as that on transformed audio.",
        originals_foretell_the_order,
        "6.2",
    ),
    Finding(
        11,
        "The second largest effect on task performance is the interaction of task and transformation.",
        second_largest_effect,
        "5.1",
        further=True,
    ),
    Finding(
        12,
        "At the smallest transformations the median consistency of MFCC, AT and IR is close to 1, and VS and "
        "AE are highly sensitive.",
        medians_at_smallest,
        "5.4.2",
        further=True,
    ),
    Finding(
        13,
        "In all eight models between the spaces the largest effect is that of the space, then that of the "
        "transformation, then their interaction.",
        effects_between_spaces,
        "5.3",
        further=True,
    ),
    Finding(
        14,
        "The lead of MFCC in correlation is larger under the Euclidean distance.",
        lead_of_mfcc,
        "5.3.2",
        further=True,
    ),
    Finding(
        15,
        "Correlation orders the networks in the reverse of agreement (SiMPle, cosine): AT, IR, VS, AE in "
        "agreement, and AE, VS, IR, AT in correlation.",
        reversed_orders,
        "5.3.2, 6.2",
        further=True,
    ),
    Finding(
        16,
        "Consistency within the latent spaces fades as transformations grow from imperceptible to grave.",
        consistency_fades,
        "6.5, RQ 1",
        further=True,
    ),
    Finding(
        17,
        "The loudness of the vocals orders the space of VS: excerpts with a similar degree of vocals fall "
        "close together.",
        vocals_order_the_songs,
        "6.2, Figure 14",
        further=True,
    ),
)
"""The findings in the order of their numbers."""


def _order(run, model, quantity, known, pairs, bound=0.0, decides=True):
    """Parts that put one space above another by more than a bound, over networks.

    `known` has the study's mean of each space, None where it does not tell it.
    """
    for first, second in pairs:
        told = known[first] is not None and known[second] is not None
        yield Part(
            f"{quantity}: {_space(first)} − {_space(second)}",
            f"{known[first] - known[second]:.3f}" if told else "above 0" if decides else "not said",
            run.over_networks(model, first, second),
            bound,
            decides=decides,
        )


def _space(name):
    """A space as readers know it."""
    return style.space(name).label


# --- The quantities -----------------------------------------------------------------------------------------


def measured(quantity: Callable[..., Estimate]) -> Callable[..., Estimate]:
    """Let a quantity that this run cannot give be an estimate that says why, not an exception."""

    @wraps(quantity)
    def estimate(*arguments, **named) -> Estimate:
        try:
            return quantity(*arguments, **named)
        except Missing as missing:
            return Estimate(reason=str(missing))

    return estimate


class Run:
    """A run, asked for the quantities of the findings.

    Each public quantity is an `Estimate`; one that the run cannot give has the reason instead of a number.
    Quantities by excerpt are means over the trials first.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], draws: int, level: float, seed: int):
        self.tables = {name: table for name, table in tables.items() if not table.empty}
        self.draws, self.level, self.seed = draws, level, seed
        self._within = self._split("within", ["space", "distance"])
        self._performance = self._split("performance", ["task", "encoder"])
        # Several findings ask for the same; as a cache of the method it would outlive the run
        self._consistency, self._correlations, self._of_space = map(
            cache, (self._consistency, self._correlations, self._of_space)
        )

    @measured
    def consistency_at_smallest(self, space, distance, transformation) -> Estimate:
        """Within-space consistency, mean over the smallest magnitudes of a transformation."""
        return self._mean(_over(self._consistency(space, distance), [transformation], smallest))

    @measured
    def median_at_smallest(self, space, distance) -> Estimate:
        """Median consistency within a space over trials and smallest magnitudes, as in Figure 12."""
        rows = self._of_space(space, distance)
        kept = [place for name in SMALLEST for place in smallest(rows.columns, name)]
        # (trials, excerpts x places) -> (excerpts, trials x places): an observation is a trial at a place
        observations = 1 - rows[kept].unstack("trial")
        drawn = bootstrap.means(
            observations.to_numpy().T, bootstrap.weights(len(observations), self.draws, self.seed)
        )
        return self._of_draws(observations.mean().median(), np.median(drawn, axis=0), over="excerpts")

    @measured
    def fall(self, space, distance, transformation, less=None) -> Estimate:
        """Consistency at the smallest minus at the gravest magnitudes, `less` another transformation's."""
        consistency = self._consistency(space, distance)
        fall = _fall(consistency, transformation)
        return self._mean(fall if less is None else fall - _fall(consistency, less))

    @measured
    def fall_over_transformations(self, space, distance) -> Estimate:
        """Consistency at the smallest minus at the gravest magnitudes, mean over the transformations."""
        consistency = self._consistency(space, distance)
        return self._mean(pd.concat([_fall(consistency, name) for name in SMALLEST], axis=1).mean(axis=1))

    @measured
    def rise_of_agreement(self, space, audio_distance, latent_distance, beyond_chance=False) -> Estimate:
        """Agreement at the gravest magnitudes where both spaces fail, minus the lowest on the way there.

        The lowest of many is low by chance too. So where it is lowest is looked up in one half of the
        excerpts and measured in the other, and the other way round: if agreement does not rise, the mean
        is not above 0.

        Parameters
        ----------
        space, audio_distance, latent_distance : str
        beyond_chance : bool
            Whether to measure Cohen's kappa at these places instead of the agreement.
        """
        audio = self._consistency("audio", audio_distance)
        latent = self._consistency(space, latent_distance)
        # The audio space has one trial, so its consistency of an excerpt is 0 or 1, and 1 minus the distance
        # to the mean over the trials of the latent space is the mean over these trials of being equal
        agreement = 1 - (latent - audio).abs()
        rises = []
        for transformation in SMALLEST:
            for way in ways(agreement.columns, transformation):
                gravest = way[-1]
                if len(way) > 1 and audio[gravest].mean() < FAILED and latent[gravest].mean() < FAILED:
                    lowest = _lowest_in_other_half(agreement[way])
                    if beyond_chance:
                        trials = self._of_space(space, latent_distance)
                        rises.append(self._rise_of_kappa(1 - audio, trials, gravest, lowest))
                    else:
                        rises.append(agreement[gravest] - _picked(agreement, lowest))
        if not rises:
            raise Missing(
                f"needs a transformation under which both the audio space and {_space(space)} fail "
                f"(consistency below {FAILED:g})"
            )
        if beyond_chance:
            values = np.mean(rises, axis=0)
            return self._of_draws(values[0], values[1:], over="excerpts")
        return self._mean(pd.concat(rises, axis=1).mean(axis=1))

    def _rise_of_kappa(self, audio, trials, gravest, lowest):
        """Kappa at the gravest place minus at the lowest one of each half, mean over halves and trials.

        Parameters
        ----------
        audio : DataFrame
            Errors: excerpts x places.
        trials : DataFrame
            Errors of the latent space: (trials, excerpts) x places.
        gravest : place
        lowest : Series
            The place of each excerpt's half.

        Returns
        -------
        (1 + draws,)
            That of all excerpts, then of each draw. Where kappa is not defined, as both spaces always err, it
            is 0: nothing is beyond chance.
        """
        weights = bootstrap.weights(len(audio), self.draws, self.seed)
        weights = np.concatenate([np.full((1, len(audio)), 1 / len(audio)), weights])
        rises = []
        for place in lowest.unique():
            half = (lowest == place).to_numpy()
            share = weights * half
            with np.errstate(invalid="ignore"):
                share = share / share.sum(axis=1, keepdims=True)
            for _, errors in trials.groupby(level="trial"):
                errors = errors.droplevel("trial").reindex(audio.index)
                last, least = (
                    between_space_kappa(audio[at].to_numpy(), errors[at].to_numpy(), share)
                    for at in (gravest, place)
                )
                rises.append(np.nan_to_num(last) - np.nan_to_num(least))
        return np.mean(rises, axis=0)

    @measured
    def fall_of_performance(self, task, encoder, transformation) -> Estimate:
        """Performance, in its unit, at the smallest minus at the gravest magnitudes."""
        return self._mean(_fall(self._by_excerpt_of_task(task, encoder), transformation))

    @measured
    def change_of_performance(self, tasks, encoder, transformations, less=None) -> Estimate:
        """Standardised performance at the smallest `transformations` minus on originals, mean over tasks.

        `less` that under another transformation.
        """
        changes = []
        for task in tasks:
            performance = self._by_excerpt_of_task(task, encoder) / self._standard_unit(task)
            against = performance[[(ORIGINAL, 0.0)] if less is None else smallest(performance.columns, less)]
            changes.append(_over(performance, transformations, smallest) - against.mean(axis=1))
        return self._mean(*changes)

    @measured
    def change_of_correlation(self, audio_distance, latent_distance, space) -> Estimate:
        """Change of a space's correlation between the smallest and the gravest, as a share of its mean.

        The change of a transformation has no sign, so that one that rises does not hide one that falls; it is
        the mean over the transformations. The mean of the correlation is over the magnitudes, then over the
        transformations. In the draws each change keeps the sign of the estimate: without signs there too, a
        change of nothing but chance would have an interval above 0.
        """
        observed, drawn = self._correlations(audio_distance, latent_distance)
        _require("space", (space,), observed.index)
        # Places x (the estimate, draws)
        rows = pd.concat([observed.loc[[space]].T, drawn.loc[space].rename(columns=str)], axis=1).T
        means = pd.concat(
            [rows.xs(name, axis=1, level=PLACE[0]).mean(axis=1) for name in SMALLEST if name in rows], axis=1
        ).mean(axis=1)
        falls = pd.concat([_fall(rows, name) for name in SMALLEST], axis=1)
        changes = (falls * np.sign(falls.iloc[0])).mean(axis=1)
        lower, _ = bootstrap.limits(means.to_numpy()[1:], self.level)
        if not lower > 0:
            raise Missing(
                f"needs a correlation of {_space(space)} that is above 0: its change is a share of it"
            )
        shares = (changes / means).to_numpy()
        return self._of_draws(shares[0], shares[1:], over="excerpts, both sides of the distances")

    @measured
    def difference(self, model, term, first, second) -> Estimate:
        """Difference of marginal means of an additive model, `first` minus `second` level of a term.

        The model is that of the study's levels alone, where the run has more.
        """
        model = self._of_study(model)
        rows = self._of_model("differences", model)
        rows = rows[rows["term"] == term]
        factor = "task" if term == "gap" else term
        _require(factor, (first, second), {*rows["first"], *rows["second"]})
        for sign, pair in ((1, (first, second)), (-1, (second, first))):
            row = rows[(rows["first"] == pair[0]) & (rows["second"] == pair[1])]
            if len(row):
                value, *limits = sign * row[["difference", "lower", "upper"]].to_numpy(float)[0]
                return Estimate(value, min(limits), max(limits), TUKEY)
        raise Missing(f"needs the difference of {first} and {second} in the additive model {model}")

    def over_networks(self, model, first, second) -> Estimate:
        """Difference of the means of two spaces, networks and excerpts being random; the additive one beside.

        The interval is simultaneous for all pairs of the study's spaces that the model has, in the manner of
        Tukey (1949) and Kramer (1956): the quantile of the studentised range over the square root of two, on
        the Satterthwaite degrees of freedom of the difference, takes the place of Student's t. Where no mixed
        model says anything of other networks, the value is that of the additive model, and decides nothing.
        """
        beside = self.difference(model, "space", first, second)
        additive = (beside.value, beside.lower, beside.upper)
        try:
            value, reach = self._mixed_difference(model, first, second)
        except Missing as missing:
            return Estimate(beside.value, reason=str(missing), additive=additive)
        return Estimate(value, value - reach, value + reach, OVER_NETWORKS, additive=additive)

    def _mixed_difference(self, model, first, second):
        """The difference of two spaces in a mixed model, and how far its simultaneous interval reaches."""
        rows = self._of_mixed("mixed_differences", model)
        spaces = {*rows["first"], *rows["second"]}
        _require("space", (first, second), spaces)
        family = len(spaces & set(study.SPACES))
        for sign, pair in ((1, (first, second)), (-1, (second, first))):
            row = rows[(rows["first"] == pair[0]) & (rows["second"] == pair[1])]
            if len(row):
                value, se, df = row[["difference", "se", "df"]].to_numpy(float)[0]
                return sign * value, _tukey(family, df) * se
        raise Missing(f"needs the difference of {first} and {second} in the mixed model {model}")

    def order_on_originals(self, audio_distance, latent_distance, spaces) -> list[str]:
        """The spaces from the highest correlation on originals to the lowest, then those without one."""
        try:
            values = self._correlations(audio_distance, latent_distance)[0][ORIGINAL].iloc[:, 0]
        except (Missing, KeyError):
            return list(spaces)
        return list(values.reindex(list(spaces)).sort_values(ascending=False, kind="stable").index)

    @measured
    def difference_ordered_on_originals(self, audio_distance, latent_distance, first, second) -> Estimate:
        """Difference of correlation on transformed audio, unless the originals put the two in no order.

        They have no order where the interval of their difference on originals contains 0: over excerpts, that
        are drawn on both sides of the distances and are the same for both spaces.
        """
        difference = self.over_networks(f"correlation_{audio_distance}_{latent_distance}", first, second)
        observed, drawn = self._correlations(audio_distance, latent_distance)
        _require("space", (first, second), observed.index)
        at = (ORIGINAL, 0.0)
        if at not in observed:
            raise Missing("needs the correlation on originals")
        values = observed.loc[first, at], observed.loc[second, at]
        draws = drawn.loc[(first, *at)].to_numpy() - drawn.loc[(second, *at)].to_numpy()
        lower, upper = bootstrap.limits(draws, self.level)
        if difference.reason or not lower <= 0 <= upper:
            return difference
        return replace(
            difference,
            reason=f"on originals {_space(first)} and {_space(second)} have no order "
            f"({values[0]:.3f} and {values[1]:.3f}): the interval of the difference, over excerpts, "
            "contains 0",
        )

    @measured
    def dominance(self, model, term, beside=()) -> Estimate:
        """F of a term over the largest F of the model's other terms, but for those in `beside`."""
        f, draws = self._f(model, term)
        others = [name for name in f.index if name not in (_term(term), *beside)]
        if not others:
            raise Missing(f"needs another effect beside {term} in the additive model {model}")
        f_term, draws_of_term = f[_term(term)], draws[_term(term)]
        return self._of_draws(
            f_term / f[others].max(), draws_of_term / draws[others].max(axis=1), over="excerpts"
        )

    @measured
    def ratio_of_f(self, model, first, second) -> Estimate:
        """F of one term over that of another, in one model."""
        return self._of_draws(*self._ratio(model, first, second), over="excerpts")

    @measured
    def ratio_of_ratios(self, model, other, first, second) -> Estimate:
        """F of one term over that of another, in one model over the same in another model."""
        (value, draws), (other_value, other_draws) = (
            self._ratio(name, first, second) for name in (model, other)
        )
        return self._of_draws(value / other_value, draws / other_draws, over="excerpts")

    def loudness_of_neighbours(self, space) -> list[tuple[str, Estimate, float]]:
        """For each trial: what it is called (" 0"), the correlation of loudness, and what chance gives."""
        scores = self.tables.get("songs_scores", pd.DataFrame(columns=["space", "measure"]))
        rows = scores[(scores["measure"] == LOUDNESS) & (scores["space"] == space)]
        if rows.empty:
            reason = f"needs the loudness of the vocals in the space {_space(space)} (table songs_scores)"
            return [("", Estimate(reason=reason), np.nan)]
        found = []
        for row in rows.to_dict("records"):
            value, lower, upper = (row[name] for name in ("value", "lower", "upper"))
            interval = f"{100 * self.level:g} % interval (jackknife over songs)"
            missing = np.isnan([value, lower, upper, row["chance"]]).any()
            reason = "is not defined in this run" if missing else ""
            found.append((f" {row['trial']}", Estimate(value, lower, upper, interval, reason), row["chance"]))
        return found

    def _ratio(self, model, first, second):
        """F of a term over that of another: its value, and its draws."""
        f, draws = self._f(model, first)
        if _term(second) not in f:
            raise Missing(f"needs the effect of {second} in the additive model {model}")
        first, second = _term(first), _term(second)
        return f[first] / f[second], draws[first] / draws[second]

    def _f(self, model, term):
        """The F of a model's terms, and their draws: draws x terms. One of the terms is needed."""
        model = self._of_study(model)
        rows = self._of_model("anova", model)
        f = rows.set_index(rows["term"].map(_term))["F"]
        if _term(term) not in f:
            raise Missing(f"needs the effect of {term} in the additive model {model}")
        draws = self._of_model("resampled_f", model)
        return f, draws.assign(term=draws["term"].map(_term)).pivot(index="draw", columns="term", values="F")

    def _of_study(self, model):
        """The name of the additive model of the study's levels alone, where the run has more."""
        return study.model(model, set(self.tables.get("fit", pd.DataFrame({"model": []}))["model"]))

    def _of_mixed(self, table, model):
        """The rows of a mixed model in a table, if it says anything of other networks."""
        fit = self.tables.get("mixed_fit", pd.DataFrame(columns=["model", "note", "converged"]))
        fit = fit[fit["model"] == model]
        if fit.empty:
            raise Missing(f"needs the mixed model {model}")
        note = "; ".join(fit["note"].dropna())
        if not fit["converged"].all():
            raise Missing(f"needs the mixed model {model}, not fitted: {note}")
        variances = self._table("mixed_variances")
        if "trial" not in set(variances.loc[variances["model"] == model, "component"]):
            raise Missing("needs more than one trial of a network: one says nothing of other trainings")
        rows = self._table(table)
        return rows[rows["model"] == model]

    def _of_model(self, table, model):
        """The rows of an additive model in a table."""
        rows = self.tables.get(table, pd.DataFrame(columns=["model"]))
        rows = rows[rows["model"] == model]
        if rows.empty:
            fit = self.tables.get("fit", pd.DataFrame(columns=["model", "problem"]))
            problems = fit.loc[fit["model"] == model, "problem"].dropna()
            raise Missing(
                f"needs the additive model {model}" + "".join(f", not fitted: {text}" for text in problems)
            )
        return rows

    def _correlations(self, audio_distance, latent_distance):
        """The correlation, mean over the trials: spaces x places; and its draws, (space, place) x draws."""
        tables = [self._table(name) for name in ("between", "between_draws")]
        between, draws = (style.of_pair(table, (audio_distance, latent_distance)) for table in tables)
        observed = between.groupby(["space", *PLACE], observed=True)["correlation"].mean().unstack(PLACE)
        index = pd.MultiIndex.from_frame(draws[["space", *PLACE]])
        return observed, pd.DataFrame(np.array([*map(np.asarray, draws["draws"])], dtype=float), index=index)

    def _of_space(self, space, distance):
        """The errors within a space: (excerpts, trials) x places."""
        self._table("within")
        if (space, distance) not in self._within:
            raise Missing(f"needs the space {_space(space)}")
        rows = self._within[space, distance]
        return rows.set_index(["excerpt_id", "trial", *PLACE])["error"].unstack(PLACE)

    def _consistency(self, space, distance):
        """Within-space consistency: excerpts x places."""
        self._table("within")
        if (space, distance) not in self._within:
            raise Missing(f"needs the space {_space(space)}")
        return 1 - _by_excerpt(self._within[space, distance], "error")

    def _by_excerpt_of_task(self, task, encoder):
        """Performance: excerpts x places."""
        self._table("performance")
        _require("task", (task,), {task for task, _ in self._performance})
        _require("encoder", (encoder,), {encoder for known, encoder in self._performance if known == task})
        return _by_excerpt(self._performance[task, encoder], "performance")

    def _standard_unit(self, task):
        """The standard unit of a task; negative if lower is better."""
        trials = self._table("performance_trials")
        trials = trials[(trials["task"] == task) & (trials["transformation"] != ORIGINAL)]
        size = unit(trials["performance"].to_numpy(), task)
        if not abs(size) > 0:
            raise Missing(f"needs a performance of {task} that varies")
        return size

    def _mean(self, *samples, over="excerpts"):
        """The mean of the samples' means, with its bootstrap interval.

        Parameters
        ----------
        *samples : Series
            One value an excerpt, NaN where it has none. Those as long as each other are drawn together.
        over : str
            What the values are of, in words.
        """
        draws = [
            bootstrap.means(sample.to_numpy(), bootstrap.weights(len(sample), self.draws, self.seed))
            for sample in samples
        ]
        value = float(np.mean([sample.mean() for sample in samples]))
        if np.isnan(value):
            raise Missing("is not defined in this run")
        # (samples, draws) -> (draws,)
        return self._of_draws(value, np.mean(draws, axis=0), over)

    def _of_draws(self, value, draws, over):
        """An estimate with the percentile interval of its draws (draws,)."""
        lower, upper = bootstrap.limits(draws, self.level)
        interval = f"{100 * self.level:g} % interval (bootstrap over {over})"
        return Estimate(float(value), float(lower), float(upper), interval)

    def _table(self, name):
        """A table of the run."""
        if name not in self.tables:
            raise Missing(f"needs the table {name}, which this run has not")
        return self.tables[name]

    def _split(self, name, by):
        """A table by the values of some columns: {} where the run has not got it."""
        return dict(list(self.tables[name].groupby(by))) if name in self.tables else {}


def _require(factor, levels, present):
    """Refuse to go on unless these levels of a factor are among those present."""
    absent = [_space(level) if factor == "space" else level for level in levels if level not in present]
    if absent:
        raise Missing(f"needs the {factor}{'s' * (len(absent) > 1)} {', '.join(absent)}")


# --- The places ---------------------------------------------------------------------------------------------


def ways(places, transformation) -> list[list[tuple[str, float]]]:
    """The ways from the mildest to the gravest place of a transformation: one a direction.

    Parameters
    ----------
    places : iterable of (transformation, magnitude)
        Of the run.
    transformation : str

    Examples
    --------
    >>> ways([("PS", -12.0), ("PS", -0.25), ("PS", 0.25), ("PN", 30.0)], "PS")
    [[('PS', -0.25), ('PS', -12.0)], [('PS', 0.25)]]
    """
    mildest = SMALLEST[transformation]
    # PS and TS are mild in the middle of their magnitudes, the others at the upper end
    unchanged = np.mean(mildest) if len(mildest) > 1 else np.inf
    magnitudes = sorted(magnitude for name, magnitude in places if name == transformation)
    down = [magnitude for magnitude in reversed(magnitudes) if magnitude < unchanged]
    up = [magnitude for magnitude in magnitudes if magnitude > unchanged]
    return [[(transformation, magnitude) for magnitude in way] for way in (down, up) if way]


def smallest(places, transformation) -> list[tuple[str, float]]:
    """The places of the study's smallest magnitudes of a transformation, of those that the run has."""
    found = [place for place in places if place[0] == transformation and place[1] in SMALLEST[transformation]]
    if not found:
        magnitudes = " or ".join(f"{magnitude:g}" for magnitude in SMALLEST[transformation])
        raise Missing(f"needs {transformation} at {magnitudes}")
    return found


def gravest(places, transformation) -> list[tuple[str, float]]:
    """The last place of each of a transformation's ways, unless it is one of the smallest itself."""
    ends = [way[-1] for way in ways(places, transformation)]
    found = [place for place in ends if place[1] not in SMALLEST[transformation]]
    if not found:
        raise Missing(f"needs a graver {transformation} than the smallest")
    return found


def _by_excerpt(rows, value):
    """Mean over the trials: excerpts x places."""
    return rows.groupby(["excerpt_id", *PLACE])[value].mean().unstack(PLACE)


def _over(table, transformations, where):
    """Mean of a table's rows over transformations, each over its places `where` (`smallest`, `gravest`)."""
    means = [table[where(table.columns, name)].mean(axis=1) for name in transformations]
    return pd.concat(means, axis=1).mean(axis=1)


def _fall(table, transformation):
    """At the smallest minus at the gravest places of a transformation, for each row of a table."""
    return _over(table, [transformation], smallest) - _over(table, [transformation], gravest)


def _lowest_in_other_half(agreement):
    """For each excerpt the place where the agreement of the other half of the excerpts is lowest."""
    even = np.arange(len(agreement)) % 2 == 0
    places = pd.Series(index=agreement.index, dtype=object)
    for half in (even, ~even):
        lowest = agreement[~half].mean().idxmin()
        places[half] = [lowest] * int(half.sum())
    return places


def _picked(table, places):
    """The value of each row of a table at its own place."""
    columns = table.columns.get_indexer(pd.MultiIndex.from_tuples(places))
    return pd.Series(table.to_numpy()[np.arange(len(table)), columns], index=table.index)


def _term(name):
    """The name of an effect, its factors in alphabetical order."""
    return ":".join(sorted(name.split(":")))


@lru_cache
def _tukey(levels, df):
    """How many standard errors a simultaneous 95 % interval reaches, for all pairs of some levels."""
    return float(stats.studentized_range.ppf(0.95, levels, df)) / np.sqrt(2)
