"""The ten findings of the study, each held against this run: its number, this run's number, a verdict.

A finding is cut into parts. A part is one quantity of this run with an interval, and the side of a bound on
which the finding puts it. It is supported if the whole interval lies on that side, contradicted if the whole
interval lies on the other, else not decided. A finding is contradicted if a part of it is, supported if all
are, else not decided; what a run did not make it cannot decide.

The rules follow from the words of the findings. They and their bounds were fixed before a run was looked at,
but for two refinements of method after a first look at the embedded run: finding 10 compares all pairs
instead of neighbours (its verdict stayed), and ratios of F got an interval (which made finding 4,
contradicted by a bare ratio of 1.02, undecided). Where the words have no number ("very high"), the bound is
our reading, a constant below. Intervals are over excerpts, or a model's: none says what another training of
the networks would have given beyond this run's trials.

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
from functools import wraps
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from relatives.figures import style
from relatives.statistics import bootstrap
from relatives.tables import PLACE
from relatives.tasks import TASKS
from relatives.transforms import ORIGINAL, SMALLEST

SUPPORTED, CONTRADICTED, UNDECIDED = VERDICTS = ("supported", "contradicted", "not decided by this run")
EVIDENCE = ["claim", "quantity", "study", "run", "lower", "upper", "rule", "verdict"]
CLAIMS = ["claim", "statement", *EVIDENCE[1:]]

# Our reading of words
VERY_HIGH = 0.9  # "very high consistency": nine points of ten keep their original nearest (section 5.2)
FAILED = 0.25  # "substantially low": three points of four have lost their original (section 5.3.1)
FAR = 0.25  # "much better", of correlations: by a quarter of the way from none to full (section 5.3.2)
NEARLY_FLAT = 0.1  # "quite robust to the magnitude": a correlation that changes by less (section 5.3.2)

# The study's marginal means (sections 5.2 and 5.3.2), in its order, which is that of the finding
WITHIN = {"mfcc": 0.741, "AT": 0.671, "IR": 0.539, "VS": 0.331, "AE": 0.170}
CORRELATION = {"mfcc": 0.881, "AE": 0.209, "IR": 0.184, "VS": 0.181, "AT": 0.080}
# Agreement (section 5.3.1): of the networks it tells the highest and the lowest
AGREEMENT = {"mfcc": 0.796, "AT": 0.731, "IR": None, "VS": None, "AE": 0.273}

AUDIO_DISTANCES = ("dtw", "simple")
TUKEY = "simultaneous 95 % interval (Tukey)"


class Missing(Exception):
    """What a run needs to decide a part and has not, in words that stand in place of the rule."""


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
    """

    value: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    interval: str = ""
    reason: str = ""


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
    """

    quantity: str
    study: str
    estimate: Estimate
    bound: float = 0.0
    above: bool = True

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
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
        here, there = ("above", "below") if self.above else ("below", "above")
        return (
            f"supported if the {self.estimate.interval} lies {here} {self.bound:g}; "
            f"contradicted if it lies at or {there} {self.bound:g}"
        )


def evaluate(
    tables: Mapping[str, pd.DataFrame], draws: int, level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold the ten findings against a run.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The tables of the run by name, as far as it made them: of `relatives.tables` within, between_curves,
        between, performance, performance_trials; of the additive models fit, anova, resampled_f,
        differences. Others are
        not looked at.
    draws : int
        Of the bootstrap.
    level : float
        Of the bootstrap intervals. Those of the models are as they were made, 95 %.
    seed : int
        Of the bootstrap.

    Returns
    -------
    claims : DataFrame
        A row a finding: claim (1 to 10), statement; then quantity, study, run, lower, upper, rule of the part
        that decides, which is the first contradicted one, else the first that is not decided, else the first;
        and verdict. lower and upper are NaN where the quantity has no interval.
    evidence : DataFrame
        A row a part: claim, quantity, study, run, lower, upper, rule, verdict.
    """
    run = Run(tables, draws, level, seed)
    claims, evidence = [], []
    for number, finding in enumerate(FINDINGS, start=1):
        rows = [
            {
                "claim": number,
                "quantity": part.quantity,
                "study": part.study,
                "run": part.estimate.value,
                "lower": part.estimate.lower,
                "upper": part.estimate.upper,
                "rule": part.rule,
                "verdict": part.verdict,
            }
            for part in finding(run)
        ]
        decisive = min(rows, key=lambda row: (CONTRADICTED, UNDECIDED, SUPPORTED).index(row["verdict"]))
        claims.append({"statement": " ".join(finding.__doc__.split()), **decisive})
        evidence += rows
    return pd.DataFrame(claims)[CLAIMS], pd.DataFrame(evidence)[EVIDENCE]


# --- The findings -------------------------------------------------------------------------------------------


def audio_distances(run: "Run") -> Iterator[Part]:
    """Both audio distances are consistent for small transformations; consistency falls with magnitude, TS
    under DTW excepted.
    """
    quantities = {
        distance: f"consistency of the audio space ({style.DISTANCES[distance].label})"
        for distance in AUDIO_DISTANCES
    }
    for distance, quantity in quantities.items():
        yield Part(
            f"{quantity} at the smallest transformations",
            "very high, about 1",
            run.consistency_at_smallest("audio", distance),
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
    """Task performance depends most on the encoder, VGG above MFCC; the gap between the two is largest for AE
    and smallest for VS.
    """
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
    """Within the latent spaces MFCC is the most consistent, then AT, IR, VS and AE; all differ."""
    yield from _order(run, "within_euclidean", "consistency (Euclidean)", WITHIN, combinations(WITHIN, 2))


def cosine_is_robuster(run: "Run") -> Iterator[Part]:
    """Under the cosine distance the effect of the transformation is weaker than under the Euclidean."""
    yield Part(
        "F of the transformation on consistency: cosine / Euclidean",
        f"{913 / 1087:.2f}",
        run.ratio_of_f("transformation", "within_cosine", "within_euclidean"),
        bound=1,
        above=False,
    )


def agreement(run: "Run") -> Iterator[Part]:
    """MFCC agrees most with the audio space (SiMPle, cosine), then AT, IR, VS and AE."""
    yield from _order(
        run, "agreement_simple_cosine", "agreement (SiMPle, cosine)", AGREEMENT, pairwise(AGREEMENT)
    )


def correlation(run: "Run") -> Iterator[Part]:
    """MFCC correlates by far the most with the audio space (DTW, Euclidean), then AE, IR, VS and AT; the
    correlation is nearly flat in magnitude.
    """
    model, quantity = "correlation_dtw_euclidean", "correlation (DTW, Euclidean)"
    first, *networks = CORRELATION
    yield from _order(run, model, quantity, CORRELATION, [(first, other) for other in networks], FAR)
    yield from _order(run, model, quantity, CORRELATION, pairwise(networks))
    yield Part(
        f"{quantity}: smallest − gravest without its sign, mean over spaces and transformations",
        "quite robust",
        run.change_of_correlation("dtw", "euclidean", tuple(CORRELATION)),
        bound=NEARLY_FLAT,
        above=False,
    )


def agreement_rises_again(run: "Run") -> Iterator[Part]:
    """Where both the audio and the latent space fail, under grave transformations, agreement rises again."""
    for space in AGREEMENT:
        yield Part(
            f"agreement (SiMPle, cosine) of {_space(space)} where both spaces fail: "
            "gravest − lowest on the way there",
            "rises",
            run.rise_of_agreement(space, "simple", "cosine"),
        )


def noise_is_easily_reconstructed(run: "Run") -> Iterator[Part]:
    """The reconstruction of AE gets better with more environmental noise."""
    yield Part(
        "mean squared error of AE (VGG) under EN: smallest (30 dB) − gravest",
        "gets better",
        run.fall_of_performance("AE", "VGG", "EN"),
    )


def smallest_degrade_performance(run: "Run") -> Iterator[Part]:
    """Already the smallest transformations degrade task performance, PS most."""
    for task in TASKS:
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
                run.change_of_performance(tuple(TASKS), "VGG", (transformation,), less="PS"),
            )


def originals_foretell_the_order(run: "Run") -> Iterator[Part]:
    """The correlation on originals alone orders the spaces as that on transformed audio."""
    order = run.order_on_originals("dtw", "euclidean", tuple(CORRELATION))
    # All pairs, not neighbours alone: two may have an order though each has none with a third between them
    for first, second in combinations(order, 2):
        yield Part(
            f"correlation (DTW, Euclidean) on transformed audio: {_space(first)} − {_space(second)}, "
            "in their order on originals",
            "same order",
            run.difference_ordered_on_originals("dtw", "euclidean", first, second),
        )


FINDINGS: tuple[Callable[["Run"], Iterator[Part]], ...] = (
    audio_distances,
    task_performance,
    within_latent_spaces,
    cosine_is_robuster,
    agreement,
    correlation,
    agreement_rises_again,
    noise_is_easily_reconstructed,
    smallest_degrade_performance,
    originals_foretell_the_order,
)
"""The findings in the order of their numbers. Each states itself in its docstring, and yields its parts."""


def _order(run, model, quantity, study, pairs, bound=0.0):
    """Parts that put one space above another by more than a bound, for `pairs` of the spaces in `study`."""
    for first, second in pairs:
        known = study[first] is not None and study[second] is not None
        yield Part(
            f"{quantity}: {_space(first)} − {_space(second)}",
            f"{study[first] - study[second]:.3f}" if known else "above 0",
            run.difference(model, "space", first, second),
            bound,
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

    @measured
    def consistency_at_smallest(self, space, distance) -> Estimate:
        """Within-space consistency, mean over all the smallest transformations."""
        consistency = self._consistency(space, distance)
        return self._mean(_over(consistency, SMALLEST, smallest))

    @measured
    def fall(self, space, distance, transformation, less=None) -> Estimate:
        """Consistency at the smallest minus at the gravest magnitudes, `less` another transformation's."""
        consistency = self._consistency(space, distance)
        fall = _fall(consistency, transformation)
        return self._mean(fall if less is None else fall - _fall(consistency, less))

    @measured
    def rise_of_agreement(self, space, audio_distance, latent_distance) -> Estimate:
        """Agreement at the gravest magnitudes where both spaces fail, minus the lowest on the way there.

        The lowest of many is low by chance too. So where it is lowest is looked up in one half of the
        excerpts and measured in the other, and the other way round: if agreement does not rise, the mean
        is not above 0.
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
                    rises.append(agreement[gravest] - _lowest_in_other_half(agreement[way]))
        if not rises:
            raise Missing(
                f"needs a transformation under which both the audio space and {_space(space)} fail "
                f"(consistency below {FAILED:g})"
            )
        return self._mean(pd.concat(rises, axis=1).mean(axis=1))

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
            performance = self._by_excerpt_of_task(task, encoder) * self._standard_unit(task)
            against = performance[[(ORIGINAL, 0.0)] if less is None else smallest(performance.columns, less)]
            changes.append(_over(performance, transformations, smallest) - against.mean(axis=1))
        return self._mean(*changes)

    @measured
    def change_of_correlation(self, audio_distance, latent_distance, spaces) -> Estimate:
        """Change of correlation between the smallest and the gravest, mean over spaces and transformations.

        A change has no sign here, lest one up hide one down. Correlations are of all excerpts together, so
        the interval is over the pairs of space and transformation.
        """
        between = style.of_pair(self._table("between"), (audio_distance, latent_distance))
        correlation = between.groupby(["space", *PLACE])["correlation"].mean().unstack(PLACE)
        _require("space", spaces, correlation.index)
        changes = pd.concat([_fall(correlation.loc[list(spaces)], name).abs() for name in SMALLEST])
        return self._mean(changes, over="spaces and transformations")

    @measured
    def difference(self, model, term, first, second) -> Estimate:
        """Difference of marginal means of an additive model, `first` minus `second` level of a term."""
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

    def order_on_originals(self, audio_distance, latent_distance, spaces) -> list[str]:
        """The spaces from the highest correlation on originals to the lowest, then those without one."""
        values = self._originals(audio_distance, latent_distance)["value"].reindex(list(spaces))
        return list(values.sort_values(ascending=False, kind="stable").index)

    @measured
    def difference_ordered_on_originals(self, audio_distance, latent_distance, first, second) -> Estimate:
        """Difference of correlation on transformed audio, unless the originals put the two in no order.

        They have no order where the value of one lies in the other's interval. As the intervals of two
        spaces move together with the excerpts, that is about a test of their difference at the same level.
        """
        originals = self._originals(audio_distance, latent_distance)
        _require("space", (first, second), originals.index)
        model = f"correlation_{audio_distance}_{latent_distance}"
        difference = self.difference(model, "space", first, second)
        higher, lower = originals.loc[first], originals.loc[second]
        if difference.reason or (lower["value"] < higher["lower"] and higher["value"] > lower["upper"]):
            return difference
        values = f"{higher['value']:.3f} and {lower['value']:.3f}"
        return replace(
            difference,
            reason=f"on originals {_space(first)} and {_space(second)} have no order ({values}): "
            "the value of one lies in the interval of the other",
        )

    @measured
    def dominance(self, model, term) -> Estimate:
        """F of a term over the largest F of the model's other terms."""
        f, draws = self._f(model, term)
        others = [name for name in f.index if name != term]
        if not others:
            raise Missing(f"needs another effect beside {term} in the additive model {model}")
        return self._of_draws(
            f[term] / f[others].max(), draws[term] / draws[others].max(axis=1), over="excerpts"
        )

    @measured
    def ratio_of_f(self, term, model, other) -> Estimate:
        """F of a term in one model over that in another."""
        (f, draws), (other_f, other_draws) = self._f(model, term), self._f(other, term)
        return self._of_draws(f[term] / other_f[term], draws[term] / other_draws[term], over="excerpts")

    def _f(self, model, term):
        """The F of a model's terms, and their draws: draws x terms. One of the terms is needed."""
        f = self._of_model("anova", model).set_index("term")["F"]
        if term not in f:
            raise Missing(f"needs the effect of {term} in the additive model {model}")
        return f, self._of_model("resampled_f", model).pivot(index="draw", columns="term", values="F")

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

    def _originals(self, audio_distance, latent_distance):
        """The correlation on originals: space in the index; value, lower, upper."""
        columns = [
            "space",
            "audio_distance",
            "latent_distance",
            "measure",
            PLACE[0],
            "value",
            "lower",
            "upper",
        ]
        curves = self.tables.get("between_curves", pd.DataFrame(columns=columns))
        rows = style.of_pair(curves, (audio_distance, latent_distance))
        rows = rows[(rows["measure"] == "correlation") & (rows["transformation"] == ORIGINAL)]
        return rows.set_index("space")[["value", "lower", "upper"]]

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
        """One over the deviation of a task's trials under transformations; negative if lower is better."""
        trials = self._table("performance_trials")
        trials = trials[(trials["task"] == task) & (trials["transformation"] != ORIGINAL)]
        deviation = trials["performance"].std()
        if not deviation > 0:
            raise Missing(f"needs a performance of {task} that varies")
        return (1 if TASKS[task].higher_is_better else -1) / deviation

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
    """Each excerpt's agreement at the place where that of the other half of the excerpts is lowest."""
    even = np.arange(len(agreement)) % 2 == 0
    lowest = [agreement.loc[half, agreement[~half].mean().idxmin()] for half in (even, ~even)]
    return pd.concat([values.rename("lowest") for values in lowest])
