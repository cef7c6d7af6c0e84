"""A run, asked for the quantities of the findings."""

from relatives.claims.excerpts import OfExcerpts
from relatives.claims.models import OfModels


class Run(OfExcerpts, OfModels):
    """A run, asked for the quantities of the findings.

    Each public quantity is an `Estimate`; one that the run cannot give has the reason instead of a number.
    Quantities by excerpt are means over the trials first.
    """
