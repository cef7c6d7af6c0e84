"""The additive models with pygam (Servén & Brummitt 2018), and how far it is from our restricted likelihood.

pygam's own smooths by cell are not centred: each carries the level of its cell, so that the factors' effects
cannot be told from them, and the study's tests of the factors would mean something else. Therefore pygam gets
the columns of our model as they are (`relatives.statistics.additive.Design`), and only fits them: it solves
for the coefficients, counts the effective degrees of freedom, estimates the residual variance and, if asked,
chooses the smoothing by its grid search. The covariance of the coefficients is then the Bayesian one at
pygam's smoothing and variance, as for our own fits; pygam itself gives the frequentist one, which takes the
smooths for unbiased.

pygam's grid search differs from REML in two ways. It tries one smoothing parameter for all smooths, where
REML has one for each. And it takes the least generalised cross-validation with 1.4 in place of 1 for each
effective degree of freedom (Wood 2006, Generalized Additive Models, section 4.5.4), where REML takes the most
likely variances.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pygam import LinearGAM
from pygam.terms import Term, TermList
from scipy import sparse

from relatives.errors import InputError

GRID = np.logspace(-3, 3, 11)
"""The smoothing parameters that pygam's grid search tries: its own default, for columns with a mean square of
1.
"""

SQUARE = 1e6
"""The mean square that the penalised columns are brought to for pygam, all others being scaled alike. pygam
adds a penalty of 1.5e-8 to every column, and on columns of this size that does not show.
"""

COMPARED = ["smoothing", "quantity", "at", "reml", "pygam", "difference"]


class Columns(Term):
    """Adjacent columns of the data as they are, with one ridge penalty: a term of pygam's.

    pygam's own `LinearTerm` has one column. A smooth would need one for each of its columns, all with the
    same parameter; the fit is the same and takes four times as long.

    Parameters
    ----------
    feature : int
        The first column.
    width : int
        How many columns.
    lam : float
        The smoothing parameter: what the sum of the squared coefficients counts beside the squared residuals.
    penalties : {"l2", None}
        None for columns without a penalty.
    """

    def __init__(self, feature, width, lam=0.0, penalties=None):
        self.width = width
        self._name, self._minimal_name = "columns_term", "columns"
        super().__init__(feature, lam=lam, penalties=penalties, fit_linear=True, fit_splines=False)

    @property
    def n_coefs(self):
        """How many coefficients the term has: one for each column."""
        return self.width

    def compile(self, X, verbose=False):
        """Take note of the data (n, columns): nothing is to be learnt from them, but pygam asks for knots."""
        self.edge_knots_ = np.array([0.0, 1.0])
        return self

    def build_columns(self, X, verbose=False):
        """The term's columns (n, width) of the data (n, columns), sparse."""
        return sparse.csc_array(X[:, self.feature : self.feature + self.width])


@dataclass(frozen=True)
class Solution:
    """What pygam found.

    Attributes
    ----------
    smoothing : (smooths,)
        The smoothing parameters, of the columns as they were given.
    coefficients : (k,)
    edf : float
        Effective degrees of freedom of the whole model.
    variance : float
        Of the residuals.
    """

    smoothing: np.ndarray
    coefficients: np.ndarray
    edf: float
    variance: float


def by_pygam(response, columns, penalised, smoothing=None):
    """Fit a linear model with ridge penalties by pygam's LinearGAM.

    Parameters
    ----------
    response : (n,)
    columns : (n, k)
        Sparse or not; those with a penalty come first, then those without.
    penalised : (p,) int
        The smooth of each penalised column, in order from 0; all smooths have equally many columns.
    smoothing : (smooths,), optional
        The smoothing parameters; without them pygam's grid search chooses one for all smooths, out of `GRID`.

    Returns
    -------
    Solution

    Raises
    ------
    InputError
        If pygam can fit it with none of the parameters of its grid.
    """
    X = np.array(columns.todense() if sparse.issparse(columns) else columns, np.float64)
    (n, k), p = X.shape, len(penalised)
    smooths = int(penalised.max()) + 1
    width = p // smooths
    # Columns times c and smoothing parameters times c^2 make the same fit
    scale = np.sqrt(SQUARE / np.mean(X[:, :p] ** 2))
    X *= scale
    lam = np.ones(smooths)
    if smoothing is not None:
        line = np.isinf(smoothing)
        X[:, :p][:, line[penalised]] = 0  # whose coefficients are then 0, as an infinite penalty makes them
        lam = np.where(line, 1.0, smoothing * scale**2)
    terms = [Columns(smooth * width, width, float(lam[smooth]), "l2") for smooth in range(smooths)]
    # One step of pygam's iteration solves a linear model, so it may stop after it: any change is small enough
    gam = LinearGAM(TermList(*terms, Columns(p, k - p)), fit_intercept=False, tol=np.inf)
    # pygam also makes p values, which nothing here uses; of columns of zeros they are 0 / 0
    with np.errstate(invalid="ignore"):
        if smoothing is None:
            gam.gridsearch(X, response, lam=GRID * SQUARE, progress=False)
        else:
            gam.fit(X, response)
    if not hasattr(gam, "coef_"):
        raise InputError(
            f"pygam could not fit {n} rows and {k} columns with any smoothing parameter of its grid: "
            'take the backend "reml"'
        )
    if smoothing is None:
        smoothing = np.full(smooths, np.ravel(gam.lam)[0] / scale**2)
    return Solution(
        smoothing=smoothing,
        coefficients=gam.coef_ * scale,
        edf=float(gam.statistics_["edof"]),
        variance=float(gam.statistics_["scale"] ** 2),
    )


def compare(fit):
    """How far pygam and REML are apart on one model.

    Parameters
    ----------
    fit : AdditiveFit
        By one of the two; the other is fitted here.

    Returns
    -------
    DataFrame
        smoothing: "reml" if pygam was given the smoothing parameters of REML, "grid" if it chose its own.
        quantity, and its difference: "r_squared" and "residual_df", pygam less REML; "F", of the term with
        the largest relative difference, pygam / REML - 1; "mean", of the marginal mean with the largest
        difference, pygam less REML. at: that term, or that mean's levels ("AE:VGG"). reml, pygam: both
        values.
    """
    reml = fit if fit.backend == "reml" else fit.refit("reml")
    rows = []
    for criterion, smoothing in (("reml", reml.smoothing), ("grid", "grid")):
        made = (fit.backend, fit.criterion) == ("pygam", criterion)
        pygam = fit if made else reml.refit("pygam", smoothing)
        rows += [(criterion, *row) for row in _compared(reml, pygam)]
    return pd.DataFrame(rows, columns=COMPARED)


def _compared(reml, pygam):
    """The rows of `compare` for two fits, without the smoothing."""
    for quantity in ("r_squared", "residual_df"):
        ours, theirs = getattr(reml, quantity), getattr(pygam, quantity)
        yield quantity, "", ours, theirs, theirs - ours
    ours, theirs = reml.anova(), pygam.anova()
    relative = theirs["F"] / ours["F"] - 1
    most = int(np.argmax(relative.abs()))
    yield "F", ours["term"][most], ours["F"][most], theirs["F"][most], relative[most]
    ours, theirs = (
        pd.concat(
            [
                fit.marginal_means(list(term)).assign(
                    at=lambda means, term=term: means[list(term)].astype(str).agg(":".join, axis=1)
                )
                for term in fit.terms
            ],
            ignore_index=True,
        )
        for fit in (reml, pygam)
    )
    difference = theirs["mean"] - ours["mean"]
    most = int(np.argmax(difference.abs()))
    yield "mean", ours["at"][most], ours["mean"][most], theirs["mean"][most], difference[most]
