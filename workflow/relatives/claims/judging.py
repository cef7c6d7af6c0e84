"""How a finding is judged: its parts, this run's estimate of each, and the verdict that follows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

import numpy as np

from relatives import words

if TYPE_CHECKING:
    from relatives.claims.run import Run

SUPPORTED, CONTRADICTED, UNDECIDED = VERDICTS = ("supported", "contradicted", "not decided by this run")
BESIDE = "decides nothing"
"""In place of a verdict, of a quantity that stands beside the parts of a finding."""

NOT_SAID = "not said"
"""What the study says of a quantity that it does not tell. Such a quantity decides nothing."""

EVIDENCE = [
    *("claim", "quantity", "study", "run", "lower", "upper"),
    *("additive", "additive_lower", "additive_upper", "rule", "verdict"),
]
CLAIMS = ["claim", "kind", "section", "statement", *EVIDENCE[1:]]
FINDING, FURTHER = KINDS = ("finding", "further sentence")


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


def finding(
    number: int, section: str, statement: str, further: bool = False
) -> Callable[[Callable[["Run"], Iterator[Part]]], Finding]:
    """Make a finding of the function that yields its parts; see `Finding`."""

    def of(parts: Callable[["Run"], Iterator[Part]]) -> Finding:
        return Finding(number, statement, parts, section, further)

    return of


def measured(quantity: Callable[..., Estimate]) -> Callable[..., Estimate]:
    """Let a quantity that this run cannot give be an estimate that says why, not an exception."""

    @wraps(quantity)
    def estimate(*arguments, **named) -> Estimate:
        try:
            return quantity(*arguments, **named)
        except Missing as missing:
            return Estimate(reason=str(missing))

    return estimate


def in_order(
    run: "Run",
    model: str,
    quantity: str,
    known: Mapping[str, float | None],
    pairs: Iterable[tuple[str, str]],
    bound: float = 0.0,
    decides: bool = True,
) -> Iterator[Part]:
    """Parts that put one space above another by more than a bound, over networks.

    Parameters
    ----------
    run : Run
    model : str
        The mixed model that tells the differences.
    quantity : str
    known : mapping of str to float
        The study's mean of each space, None where it does not tell it.
    pairs : iterable of (str, str)
    bound : float
    decides : bool
    """
    for first, second in pairs:
        told = known[first] is not None and known[second] is not None
        yield Part(
            words.lead(words.space(first), words.space(second), quantity),
            f"{known[first] - known[second]:.3f}" if told else "above 0" if decides else NOT_SAID,
            run.over_networks(model, first, second),
            bound,
            decides=decides,
        )
