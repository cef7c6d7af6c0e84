"""Generalised additive models with factors, as the consistency study fits them to its measures.

The expected response is a sum of the factors' main effects and interactions, and of one smooth function of a
covariate (the magnitude) for every cell of some factors. The smooths are thin plate regression splines of the
covariate scaled to [0, 1] in its cell, centred over all rows, so that they carry no level: the levels belong
to the factors. Each smooth has a smoothing parameter of its own, chosen by restricted maximum likelihood.
That is what R's mgcv fits for ``y ~ (a + b + c)^2 + s(x, by = cell, k = 8)`` with ``method = "REML"`` (Wood
2011, Journal of the Royal Statistical Society B 73; Wood 2017, Generalized Additive Models, chapters 4 to 6).

The same model can be fitted with pygam instead (``backend="pygam"``), see `relatives.statistics.backends`.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse
from statsmodels.stats.multitest import multipletests

from relatives.errors import InputError
from relatives.seeds import generator
from relatives.statistics import reml, splines
from relatives.statistics.marginal import Marginals
from relatives.statistics.reml import one_thread

STARTS = (3.0, 0.0)
"""Where REML begins, from wiggly and from moderate smooths: at times one of the two ends in a lesser
optimum."""

PERMUTATIONS = 2000
"""Of the residuals, for the check of a basis."""

CRITERIA = {"reml": ("reml",), "pygam": ("grid", "reml")}
"""How each backend can choose the smoothing parameters; its default comes first."""


@dataclass(frozen=True)
class Design:
    """An additive model of n rows, before it is fitted.

    Attributes
    ----------
    response, smooth : str
    factors, by : list of str
    terms : list of tuple of str
        The factors of each parametric term: main effects, then interactions.
    levels : dict of str to list
        The levels of each factor.
    y, covariate : (n,)
        The covariate as it was scaled.
    columns : sparse (n, k)
        Of the model: the smooths' penalised ones, their slopes, the parametric ones. The penalty of a smooth
        is the sum of squares of the coefficients of its penalised columns.
    averages : (cells, k)
        The mean of the columns in each cell of all factors.
    cell : (n,) int
        Of the smooth of each row.
    cells : DataFrame
        The smooths: a row a cell, with the levels of `by`.
    smooth_of : (k,) int
        The smooth of each column; -1 for the parametric ones.
    basis : int
        Functions of a smooth before centring.
    """

    response: str
    smooth: str
    factors: list[str]
    by: list[str]
    terms: list[tuple[str, ...]]
    levels: dict[str, list]
    y: np.ndarray
    covariate: np.ndarray
    columns: sparse.csr_array
    averages: np.ndarray
    cell: np.ndarray
    cells: pd.DataFrame
    smooth_of: np.ndarray
    basis: int

    @property
    def penalised(self):
        """The smooth of each penalised column; these columns come first."""
        # Of the basis the constant was centred away, and the slope is free
        return self.smooth_of[: len(self.cells) * (self.basis - splines.LINEAR)]

    @property
    def constant(self):
        """The place of the model's constant among the columns: the first of the parametric ones."""
        return int(np.argmax(self.smooth_of < 0))


@dataclass(frozen=True)
class AdditiveFit(Design):
    """A fitted additive model of n rows.

    Attributes
    ----------
    backend : {"reml", "pygam"}
        What fitted it.
    criterion : {"reml", "grid", "given"}
        How the smoothing parameters were chosen.
    edf : (k,)
        Effective degrees of freedom of each column of the model.
    smoothing : (smooths,)
        The smoothing parameter of each: what its penalty counts beside the squared residuals; infinite for a
        smooth that is a straight line.
    coefficients : (k,)
    covariance : (k, k)
        Of the coefficients: the Bayesian one, which accounts for the smooths' bias (Wood 2017, section 6.10).
    variance : float
        Of the residuals.
    marginals : Marginals
    """

    backend: str
    criterion: str
    edf: np.ndarray
    smoothing: np.ndarray
    coefficients: np.ndarray
    covariance: np.ndarray
    variance: float
    marginals: Marginals

    @property
    def fitted(self):
        """The expected response, (n,)."""
        return self.columns @ self.coefficients

    @property
    def residuals(self):
        """Of the response, (n,)."""
        return self.y - self.fitted

    @property
    def r_squared(self):
        """Share of the response's variance that the model explains."""
        return 1 - np.sum(self.residuals**2) / np.sum((self.y - self.y.mean()) ** 2)

    @property
    def residual_df(self):
        """Rows minus the effective degrees of freedom."""
        return self.marginals.residual_df

    def refit(self, backend, smoothing=None):
        """The same model of the same rows, fitted by another backend: an `AdditiveFit`.

        Parameters
        ----------
        backend : {"reml", "pygam"}
        smoothing
            As in `gam`.

        Raises
        ------
        InputError
            There is no such backend or smoothing.
        """
        return _fitted(self, backend, smoothing)

    def anova(self):
        """Joint Wald F tests of the marginal means' contrasts, a row a parametric term.

        Returns
        -------
        DataFrame
            term ("task:encoder"), df1, df2, F, p.
        """
        return self.marginals.anova(self.terms)

    @one_thread
    def resampled_f(self, responses):
        """The F of every parametric term, had the response been another; the smoothing stays as it is.

        Parameters
        ----------
        responses : (n, draws)
            As from bootstrap samples of what the response is the mean of.

        Returns
        -------
        DataFrame
            A column a term, a row a draw.
        """
        # With the smoothing given all is linear: coefficients = C W'y / variance, C being their covariance
        coefficients = self.covariance @ (self.columns.T @ responses) / self.variance
        variance = np.sum((responses - self.columns @ coefficients) ** 2, axis=0) / self.residual_df
        estimates = self.averages @ coefficients
        return pd.DataFrame(
            {
                ":".join(term): self.marginals.f(term, estimates)[0] * self.variance / variance
                for term in self.terms
            }
        )

    def marginal_means(self, factors):
        """Estimated marginal means of the crossing of some factors, with 95 % intervals.

        Returns
        -------
        DataFrame
            A column a factor; mean, se, lower, upper.

        Raises
        ------
        InputError
            If one of them is no factor of the model.
        """
        return self.marginals.means(factors)

    def differences(self, factors, correction="tukey"):
        """Differences of all pairs of marginal means of some factors.

        Parameters
        ----------
        factors : list of str
        correction : {"tukey", "holm"}
            Of p values and intervals for the number of pairs, see `Marginals.pairwise`.

        Returns
        -------
        DataFrame
            first, second ("AE:VGG" for more factors than one), difference, se, t, p, lower, upper.
        """
        return self.marginals.differences(factors, correction)

    @cached_property
    def smooths(self):
        """Each smooth, and whether its basis is large enough.

        The check is that of mgcv's gam.check (Wood 2017, section 5.9): half the mean squared difference of
        residuals that are neighbours in the covariate estimates the residual variance without trust in the
        smooth. Its ratio to the variance of the residuals is ``k_index``; ``p`` is the share of random orders
        of the residuals in which it is as low. Where it is low a pattern is left: the basis is too small,
        or trials err together, as they hear the same excerpts.

        Returns
        -------
        DataFrame
            The columns of `by`; edf; basis, the most that edf can be; k_index; p; warning: p is below 0.05
            after Holm's correction for the number of smooths.
        """
        rng = generator(0, "gam", "basis")
        penalised = self.smooth_of >= 0
        edf = np.bincount(self.smooth_of[penalised], self.edf[penalised])
        rows = []
        for smooth, own_edf in enumerate(edf):
            own = self.cell == smooth
            residuals = self.residuals[own][np.argsort(self.covariate[own], kind="stable")]
            orders = rng.permuted(np.tile(residuals, (PERMUTATIONS, 1)), axis=1)
            observed, permuted = _roughness(residuals), _roughness(orders)
            variance = residuals.var()
            k_index = observed / variance if variance > 0 else 1.0
            p = (1 + np.sum(permuted <= observed)) / (1 + PERMUTATIONS)
            rows.append((own_edf, self.basis - 1, k_index, p))
        checks = pd.DataFrame(rows, columns=["edf", "basis", "k_index", "p"])
        checks["warning"] = multipletests(checks["p"], method="holm")[0]
        return pd.concat([self.cells, checks], axis=1)


@one_thread
def gam(
    table, response, factors, smooth, by, interactions=2, basis=8, backend="reml", smoothing=None
) -> AdditiveFit:
    """Fit an additive model.

    Parameters
    ----------
    table : DataFrame
        A row an observation; it may be unbalanced, but no cell may be empty.
    response : str
        Its column.
    factors : list of str
        The columns of the factors, each with two levels or more.
    smooth : str
        The column of the covariate. It is scaled to [0, 1] within each cell of `by`.
    by : list of str
        The factors whose every cell has a smooth; none for one smooth of all rows.
    interactions : int
        How many factors interact at most; 1 for main effects alone.
    basis : int
        Functions of each smooth before centring, 3 or more (k of mgcv). The study does not say its own.
    backend : {"reml", "pygam"}
        What fits the model: the restricted likelihood of this package, or pygam. Both get the same columns
        and the same penalties.
    smoothing : {"reml", "grid"} or array (smooths,), optional
        How the smoothing parameters are chosen. "reml": one for each smooth, by restricted maximum
        likelihood. "grid" (pygam alone, and its default): one for all smooths, by pygam's grid search for the
        least generalised cross-validation. An array (pygam alone): these, infinite for a straight line,
        as in `AdditiveFit.smoothing`.

    Returns
    -------
    AdditiveFit

    Raises
    ------
    InputError
        A column is missing, has NaN or infinity; the response is constant; a factor has one level, a
        cell no row; a cell has fewer values of the covariate than the basis has functions; there are
        fewer rows than coefficients; or there is no such backend or smoothing.
    """
    factors, by = list(factors), list(by)
    _check(table, response, factors, smooth, by, interactions, basis)
    y = table[response].to_numpy(np.float64)
    cells, cell = _cells(table, by)
    covariate = _scaled(table[smooth].to_numpy(np.float64), cell)
    if (few := _fewest_values(covariate, cell)) < basis:
        raise InputError(
            f"a smooth of {basis} functions needs as many values of {smooth!r} in every cell of "
            f"{', '.join(by) or 'the table'}, but one has {few}: lower the basis or add values"
        )
    levels = {factor: sorted(table[factor].unique()) for factor in factors}
    terms = [term for order in range(1, interactions + 1) for term in combinations(factors, order)]
    parametric = _parametric(table, levels, terms)

    penalised, free = splines.centred(*splines.thin_plate(covariate, basis))
    indicator = sparse.csr_array((np.ones(len(y)), (np.arange(len(y)), cell)))
    random, slopes = _by_cell(indicator, penalised), _by_cell(indicator, free)
    component = np.repeat(np.arange(len(cells)), penalised.shape[1])
    columns = sparse.hstack([random, slopes, parametric], format="csr")
    if columns.shape[1] >= len(y):
        raise InputError(
            f"{len(y)} rows are too few for the {columns.shape[1]} coefficients of the model of "
            f"{response!r}: take fewer factors in `by`, fewer interactions or a smaller basis"
        )

    return _fitted(
        Design(
            response=response,
            smooth=smooth,
            factors=factors,
            by=by,
            terms=terms,
            levels=levels,
            y=y,
            covariate=covariate,
            columns=columns,
            averages=_averages(table, levels, columns),
            cell=cell,
            cells=cells,
            smooth_of=np.concatenate([component, np.arange(len(cells)), np.full(parametric.shape[1], -1)]),
            basis=basis,
        ),
        backend,
        smoothing,
    )


@one_thread
def _fitted(design, backend, smoothing):
    """A design fitted by a backend, with smoothing parameters chosen or given as in `gam`."""
    criterion, given = _criterion(backend, smoothing, len(design.cells))
    # The mean is taken off for the sake of digits, and put back into the constant
    centre = design.y.mean()
    penalised = design.penalised
    random, fixed = design.columns[:, : len(penalised)], design.columns[:, len(penalised) :]
    problem = reml.Problem.of(design.y - centre, random, fixed, penalised)
    system = reml.System(problem)
    if criterion == "reml":
        estimate = reml.estimate(system, starts=STARTS)
        given = np.divide(
            1, estimate.theta**2, out=np.full(len(design.cells), np.inf), where=estimate.theta > 0
        )
    if backend == "pygam":
        # Here and not above: a fit by REML needs no pygam
        from relatives.statistics import backends

        found = backends.by_pygam(design.y - centre, design.columns, penalised, given)
        given, theta = found.smoothing, 1 / np.sqrt(found.smoothing)
    else:
        found, theta = estimate, estimate.theta
    inverse = system.inverse(theta)
    edf = np.einsum("ij,ji->i", inverse, problem.gram)
    residual_df = len(design.y) - (found.edf if backend == "pygam" else edf.sum())
    coefficients = found.coefficients.copy()
    coefficients[design.constant] += centre
    covariance = found.variance * inverse
    averages = design.averages
    return AdditiveFit(
        **{field.name: getattr(design, field.name) for field in fields(Design)},
        backend=backend,
        criterion=criterion,
        edf=edf,
        smoothing=given,
        coefficients=coefficients,
        covariance=covariance,
        variance=found.variance,
        marginals=Marginals(
            design.levels, averages @ coefficients, averages @ covariance @ averages.T, residual_df
        ),
    )


def _criterion(backend, smoothing, smooths):
    """How the smoothing parameters are chosen: "reml", "grid" or "given"; and those that are given, or None.

    Raises
    ------
    InputError
        If there is no such backend, if it cannot choose them so, or if those given are no such parameters.
    """
    if backend not in CRITERIA:
        raise InputError(f"the backend is one of {', '.join(CRITERIA)}, not {backend!r}")
    if smoothing is None:
        return CRITERIA[backend][0], None
    if isinstance(smoothing, str):
        if smoothing not in CRITERIA[backend]:
            raise InputError(
                f"the backend {backend!r} chooses its smoothing by {' or '.join(CRITERIA[backend])}, "
                f"not {smoothing!r}"
            )
        return smoothing, None
    if backend != "pygam":
        raise InputError('the backend "reml" chooses its own smoothing parameters: give them to "pygam"')
    given = np.asarray(smoothing, np.float64)
    if given.shape != (smooths,) or not (given > 0).all():
        raise InputError(
            f"`smoothing` must have a positive number for each of the {smooths} smooths, not {smoothing!r}"
        )
    return "given", given


def _check(table, response, factors, smooth, by, interactions, basis):
    """Raise an InputError for a table or a model that cannot be fitted."""
    used = list(dict.fromkeys([response, *factors, smooth, *by]))
    missing = [column for column in used if column not in table]
    if missing:
        raise InputError(
            f"the table has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}"
        )
    if not factors or interactions < 1 or basis <= splines.LINEAR:
        raise InputError(
            f"a model needs a factor, interactions of order 1 or more and a basis of {splines.LINEAR + 1} "
            f"or more, not {factors}, {interactions} and {basis}"
        )
    if len(table) == 0:
        raise InputError(f"the table has no row to model {response!r} on")
    for column in (response, smooth):
        if not pd.api.types.is_numeric_dtype(table[column]) or pd.api.types.is_bool_dtype(table[column]):
            raise InputError(f"the column {column!r} must be numeric, not {table[column].dtype}")
        bad = ~np.isfinite(table[column].to_numpy(np.float64, na_value=np.nan))
        if bad.any():
            raise InputError(
                f"the column {column!r} has NaN or infinity in {bad.sum()} of {len(table)} rows, "
                f"first in row {table.index[bad][0]}: leave these rows out"
            )
    for column in [*factors, *by]:
        if table[column].isna().any():
            raise InputError(
                f"the factor {column!r} has missing values: leave these rows out or name the level"
            )
        if table[column].nunique() < 2:
            raise InputError(
                f"the factor {column!r} has only the level {table[column].iloc[0]!r}: "
                "leave it out of the model"
            )
    if np.ptp(table[response].to_numpy(np.float64)) == 0:
        raise InputError(
            f"the response {response!r} is {table[response].iloc[0]:g} in every row: nothing to model"
        )
    crossed = list(dict.fromkeys([*factors, *by]))
    found = table.groupby(crossed, observed=True).ngroups
    levels = [sorted(table[column].unique()) for column in crossed]
    if found < np.prod([len(values) for values in levels]):
        whole = pd.MultiIndex.from_product(levels, names=crossed)
        empty = whole.difference(pd.MultiIndex.from_frame(table[crossed]))
        first = ", ".join(f"{name} {level}" for name, level in zip(crossed, empty[0], strict=True))
        raise InputError(
            f"{len(empty)} of {len(whole)} cells of {' x '.join(crossed)} have no row, the first: {first}; "
            "leave out a level or a factor"
        )


def _cells(table, by):
    """The cells of some factors: a DataFrame of their levels, and the cell (n,) of each row."""
    if not by:
        return pd.DataFrame(index=[0]), np.zeros(len(table), int)
    groups = table.groupby(by, sort=True, observed=True)
    cells = groups.size().index.to_frame(index=False)
    return cells, groups.ngroup().to_numpy()


def _scaled(values, cell):
    """Values (n,) scaled to [0, 1] within each cell; 0 where a cell has only one."""
    groups = pd.Series(values).groupby(cell)
    low, high = groups.transform("min").to_numpy(), groups.transform("max").to_numpy()
    return (values - low) / np.where(high > low, high - low, 1)


def _fewest_values(covariate, cell):
    """How many distinct values of the covariate the cell with the fewest has."""
    return int(pd.Series(covariate).groupby(cell).nunique().min())


def _parametric(table, levels, terms):
    """The columns (n, p) of the factors: a constant, then each term's.

    A factor has a 0/1 column for every level but the first, a term all products of its factors' columns.
    """
    dummies = {
        factor: (table[factor].to_numpy()[:, None] == np.array(values[1:], dtype=object)).astype(np.float64)
        for factor, values in levels.items()
    }
    columns = [np.ones((len(table), 1))]
    for term in terms:
        product = np.ones((len(table), 1))
        for factor in term:
            # (n, i) and (n, j) -> (n, i * j)
            product = (product[:, :, None] * dummies[factor][:, None, :]).reshape(len(table), -1)
        columns.append(product)
    return np.hstack(columns)


def _by_cell(indicator, functions):
    """Functions (n, f) apart for each cell: sparse (n, cells * f), the columns of a cell together."""
    apart = [indicator * functions[:, [column]] for column in range(functions.shape[1])]
    stacked = sparse.hstack(apart, format="csc")
    cells = indicator.shape[1]
    # From column (function, cell) to (cell, function)
    return stacked[:, np.arange(stacked.shape[1]).reshape(-1, cells).T.ravel()]


def _averages(table, levels, columns):
    """The mean row (cells, k) of the model's columns over the observations in each cell of all factors."""
    codes = [pd.Categorical(table[factor], categories=values).codes for factor, values in levels.items()]
    cell = np.ravel_multi_index(codes, [len(values) for values in levels.values()])
    counts = np.bincount(cell)
    weights = sparse.csr_array((1 / counts[cell], (cell, np.arange(len(cell)))))
    return (weights @ columns).toarray()


def _roughness(residuals):
    """Half the mean squared difference of neighbours (…, n): the variance, if they are independent."""
    return np.mean(np.diff(residuals, axis=-1) ** 2, axis=-1) / 2
