r"""Linear mixed models with independent random effects, nested or crossed, each with a variance of its own.

.. math:: y = X \beta + \sum_k Z_k u_k + \varepsilon, \qquad u_k \sim N(0, \sigma_k^2 I)

The columns of :math:`Z_k` are those of the component's formula, apart for each level of its group. The
variances are estimated by restricted maximum likelihood, as lme4 does (Bates et al. 2015, Journal of
Statistical Software 67(1)), on the engine `reml`.

Intervals are those of the profile likelihood (Venzon and Moolgavkar 1988, Applied Statistics 37(1)): all
values at which the deviance, with everything else at its best, is above the least by no more than a quantile
of chi squared. For a variance it is the restricted deviance; for a coefficient the full one, because
restricted likelihoods of different fixed effects are not comparable. Contrasts of coefficients have t tests
on Satterthwaite's degrees of freedom (1946, Biometrics Bulletin 2(6); for mixed models Kuznetsova et al.
2017, Journal of Statistical Software 82(13)).
"""

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from warnings import warn

import formulaic
import numpy as np
import pandas as pd
from formulaic.errors import FormulaicError
from scipy import linalg, optimize, sparse, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tools.numdiff import approx_fprime
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from relatives.errors import InputError
from relatives.statistics import reml
from relatives.statistics.reml import one_thread

RESIDUAL = "Residual"

DEPENDENT = 1e-8
"""What is left of a unit fixed column by the others, below which it depends on them."""

INDISTINCT = 1e-9
"""Of the covariances of the components (see `_check_components`): relative, below which two are the same."""


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A fitted mixed model, with p fixed effects and K components.

    Attributes
    ----------
    terms : list of str
        The fixed effects.
    levels : dict of str to int
        The components, and how many levels the group of each has.
    n : int
        Rows.
    level : float
        Of the intervals.
    shift : (p,)
        Coefficients that were taken off the response before the fit, for the sake of digits.
    system : reml.System
    estimate : reml.Estimate
    inverse : (k, p)
        Covariances of all coefficients, the random and then the fixed ones, with the fixed ones; in units
        of the residual variance.
    """

    terms: list[str]
    levels: dict[str, int]
    n: int
    level: float
    shift: np.ndarray
    system: reml.System
    estimate: reml.Estimate
    inverse: np.ndarray

    @property
    def converged(self):
        """Whether the restricted deviance is flat at the estimate, but for variances at the boundary."""
        return self.estimate.converged

    @property
    def notes(self):
        """What a reader of the fit must know: variances at the boundary, no convergence."""
        boundary = [
            f"the variance of {component} is at its boundary, 0"
            for component, theta in zip(self.levels, self.estimate.theta, strict=True)
            if theta == 0
        ]
        return boundary + ["the fit did not converge: do not use its numbers"] * (not self.converged)

    @property
    def residual_df(self):
        """Rows minus fixed effects."""
        return self.n - len(self.terms)

    @property
    def coefficients(self):
        """The fixed effects (p,)."""
        return self.shift + self.estimate.coefficients[~self.system.random]

    @property
    def covariance(self):
        """Of the fixed effects, (p, p), given the variances."""
        return self.inverse[~self.system.random] * self.estimate.variance

    @cached_property
    @one_thread
    def fixed(self):
        """The fixed effects with their intervals, by the profile of the full likelihood.

        The interval is around the estimate of the full likelihood: the same as the restricted one in
        balanced data, else close to it. As lme4's it trusts in there being many levels: for what varies
        between few (a space of a few networks) it is too narrow, and that of `contrasts` is not.

        Returns
        -------
        DataFrame
            term, estimate, se, lower, upper.
        """
        limits = [self._fixed_limits(column) for column in range(len(self.terms))]
        return pd.DataFrame(
            {
                "term": self.terms,
                "estimate": self.coefficients,
                "se": np.sqrt(np.diag(self.covariance)),
                "lower": [lower for lower, _ in limits],
                "upper": [upper for _, upper in limits],
            }
        )

    @cached_property
    @one_thread
    def variances(self):
        """The variances of the components and of the residual, by the profile of the restricted likelihood.

        Returns
        -------
        DataFrame
            component (the last is "Residual"), variance, lower, upper; lower is 0 where the data do not
            rule it out.
        """
        limits = np.exp([self._variance_limits(held) for held in range(len(self.levels) + 1)])
        return self.components.assign(lower=limits[:, 0], upper=limits[:, 1])

    @property
    def components(self):
        """The variances without their intervals, which take most of the time: component, variance."""
        return pd.DataFrame(
            {
                "component": [*self.levels, RESIDUAL],
                "variance": np.append(self.estimate.theta**2, 1) * self.estimate.variance,
            }
        )

    @one_thread
    def contrasts(self, matrix, correction=None):
        """Estimates and t tests of linear combinations of the fixed effects.

        Parameters
        ----------
        matrix : (r, p)
            A row a combination; a row of the identity is a fixed effect itself.
        correction : str, optional
            Of the p values for the number of rows: "holm", or another of statsmodels' `multipletests`.
            The intervals are each at the fit's level, without correction.

        Returns
        -------
        DataFrame
            estimate, se, df (Satterthwaite's), t, p, lower, upper.

        Raises
        ------
        ValueError
            The rows do not fit the fixed effects, or one is zero.
        """
        matrix = np.atleast_2d(np.asarray(matrix, dtype=np.float64))
        if matrix.ndim != 2 or matrix.shape[1] != len(self.terms) or not matrix.any(axis=1).all():
            raise ValueError(
                f"a contrast needs a weight for each of the {len(self.terms)} fixed effects, not all 0"
            )
        estimate = matrix @ self.coefficients
        variance = np.einsum("ri,ij,rj->r", matrix, self.covariance, matrix)
        se, df = np.sqrt(variance), self._satterthwaite(matrix, variance)
        t = estimate / se
        p = 2 * stats.t.sf(np.abs(t), df)
        reach = stats.t.ppf((1 + self.level) / 2, df) * se
        return pd.DataFrame(
            {
                "estimate": estimate,
                "se": se,
                "df": df,
                "t": t,
                "p": p if correction is None else multipletests(p, method=correction)[1],
                "lower": estimate - reach,
                "upper": estimate + reach,
            }
        )

    def differences(self, terms=None, correction="holm"):
        """Differences of all pairs of some fixed effects, say of the levels in "0 + space".

        Parameters
        ----------
        terms : list of str, optional
            Two or more of the fixed effects; all if not given.
        correction : str, optional
            As in `contrasts`.

        Returns
        -------
        DataFrame
            first, second, difference (first - second), se, df, t, p, lower, upper.

        Raises
        ------
        ValueError
            A term is no fixed effect, or there are fewer than two.
        """
        terms = self.terms if terms is None else list(terms)
        if len(terms) < 2 or not set(terms) <= set(self.terms):
            raise ValueError(f"differences are between two or more of {self.terms}, not {terms}")
        pairs = pd.DataFrame(combinations(terms, 2), columns=["first", "second"])
        of_term = pd.DataFrame(np.eye(len(self.terms)), index=self.terms)
        matrix = of_term.loc[pairs["first"]].to_numpy() - of_term.loc[pairs["second"]].to_numpy()
        tests = self.contrasts(matrix, correction).rename(columns={"estimate": "difference"})
        return pd.concat([pairs, tests], axis=1)

    @property
    def _log_variances(self):
        """Of the components and the residual (K + 1,); a variance at the boundary is -inf."""
        with np.errstate(divide="ignore"):
            return np.log(np.append(self.estimate.theta**2, 1) * self.estimate.variance)

    @cached_property
    def _covariance_of_variances(self):
        """Asymptotic, of the log variances, (K + 1, K + 1): zero for those at the boundary.

        Twice the inverse of the second derivatives of the restricted deviance.
        """
        at = self._log_variances
        interior = np.isfinite(at)

        def slope(parameters):
            log_variances = at.copy()
            log_variances[interior] = parameters
            return deviance(self.system, log_variances)[1][interior]

        hessian = approx_fprime(at[interior], slope, epsilon=1e-3, centered=True)
        covariance = np.zeros((len(at), len(at)))
        covariance[np.ix_(interior, interior)] = 2 * linalg.pinvh((hessian + hessian.T) / 2)
        return covariance

    def _satterthwaite(self, matrix, variance):
        """Degrees of freedom (r,) of contrasts (r, p) with these variances (r,).

        They are 2 v^2 / g'Ag, where g is the gradient of the contrast's variance v by the log variances, and
        A the covariance of these.
        """
        theta, component = self.estimate.theta, self.system.problem.component[self.system.random]
        # For C = D M^-1 D, dC / dlog theta_k = 2 C E_k C / theta_k^2, with E_k the component's part of the
        # identity; log theta_k is half the difference of two log variances
        squares = (self.inverse[self.system.random] @ matrix.T) ** 2 * self.estimate.variance
        gradient = np.zeros((len(theta) + 1, len(matrix)))
        np.add.at(gradient, component, squares)
        gradient[:-1] /= np.where(theta > 0, theta, 1)[:, None] ** 2
        # A factor common to all variances is one of the contrast's
        gradient[-1] = variance - gradient.sum(axis=0)
        return 2 * variance**2 / np.einsum("kr,kl,lr->r", gradient, self._covariance_of_variances, gradient)

    def _variance_limits(self, held):
        """The limits of one log variance; infinite where the deviance never rises so far."""
        best = self._log_variances
        # At which a component explains as much as the residual; and the residual's own
        reference = np.append(2 * self.system.centre, 0) + best[-1]
        free = np.arange(len(best)) != held

        @cache
        def excess(value):
            def profiled(log_ratio):
                log_variances = np.full(len(best), value)
                log_variances[free] = reference[free] + log_ratio
                least, slope = deviance(self.system, log_variances)
                return least, slope[free]

            least = reml.minimised(profiled, (best - reference)[free])[1]
            return self._excess(least - self.estimate.deviance)

        lowest, highest = reference[held] - 2 * reml.REACH, reference[held] + 2 * reml.REACH
        inside = max(best[held], lowest)
        return _crossing(excess, inside, -1.0, lowest), _crossing(excess, inside, 1.0, highest)

    def _fixed_limits(self, column):
        """The limits of one fixed effect."""
        best = self._full
        position = np.count_nonzero(self.system.random) + column
        with np.errstate(divide="ignore"):
            start = np.log(best.theta) - self.system.centre

        @cache
        def excess(value):
            rest = reml.System(self.system.problem.given(position, value))
            least = reml.estimate(rest, restricted=False, starts=[start]).deviance
            return self._excess(least - best.deviance)

        inside = best.coefficients[position]
        step = 2 * np.sqrt(self.covariance[column, column])
        limits = _crossing(excess, inside, -step, -np.inf), _crossing(excess, inside, step, np.inf)
        return tuple(self.shift[column] + limit for limit in limits)

    def _excess(self, rise):
        """How far a deviance is above the limit, on the scale on which profiles are nearly straight."""
        return np.sqrt(max(rise, 0)) - np.sqrt(stats.chi2.ppf(self.level, 1))

    @cached_property
    def _full(self):
        """The estimate of the full likelihood."""
        return reml.estimate(self.system, restricted=False)


@one_thread
def mixed(table, response, fixed, groups, components, level=0.95):
    """Fit a linear mixed model by restricted maximum likelihood.

    Parameters
    ----------
    table : DataFrame
        A row an observation; it may be unbalanced.
    response : str
        Its column.
    fixed : str
        The right side of a formula (of the package formulaic): "r_star * n_star", "0 + space".
    groups : str or dict of str to str
        The column whose levels the random effects vary by; or one for each component, where they are crossed.
    components : dict of str to str
        A formula for each component: "0 + n_star" for a random slope, "1" for a random intercept. All its
        columns share one variance, and a formula without "0 +" has an intercept among them.
    level : float
        Of the intervals.

    Returns
    -------
    MixedFit

    Raises
    ------
    InputError
        A column is missing, has NaN, or is not what its role asks; a formula is at fault; the response is
        constant; a group has one level; fixed columns depend on each other; a component cannot be told from
        the fixed effects, another component or the residual; the model leaves no residual; or there
        are fewer rows than parameters.

    Warns
    -----
    ConvergenceWarning
        The fit did not converge; its `notes` say so, too.

    Examples
    --------
    >>> table = pd.DataFrame({"space": list("aaabbb") * 3, "excerpt": [1, 2, 3] * 6, "y": range(18)})
    >>> fit = mixed(table, "y", "0 + space", groups="excerpt", components={"excerpt": "1"})
    >>> fit.fixed["term"].tolist()
    ['space[a]', 'space[b]']
    """
    if not 0 < level < 1:
        raise InputError(f"the level of an interval lies between 0 and 1, not at {level}")
    if not components or RESIDUAL in components:
        raise InputError(
            f"`components` must name random effects, and {RESIDUAL!r} is none: it is what is left"
        )
    if isinstance(groups, str):
        groups = dict.fromkeys(components, groups)
    if set(groups) != set(components):
        raise InputError(
            f"`groups` must name a column for each of {', '.join(components)}, not for {', '.join(groups)}"
        )
    y = _response(table, response, groups.values())
    terms, X = _columns(table, fixed, "fixed")
    if len(table) < X.shape[1] + len(components) + 1:
        raise InputError(
            f"{len(table)} rows are too few for {X.shape[1]} fixed effects and {len(components) + 1} "
            "variances: leave out terms"
        )
    basis = _basis(X, terms)
    shift = linalg.lstsq(X, y)[0]
    rest = y - X @ shift
    if np.linalg.norm(rest) <= DEPENDENT * np.linalg.norm(y - y.mean()):
        raise InputError(f"{fixed!r} explains {response!r} wholly: nothing is left to be random")

    random, component, levels = [], [], {}
    for number, (name, formula) in enumerate(components.items()):
        codes, found = pd.factorize(table[groups[name]])
        if len(found) < 2:
            raise InputError(
                f"the group {groups[name]!r} has only the level '{found[0]}': no variance can be told of "
                f"{name!r}; leave it out"
            )
        levels[name] = len(found)
        random.append(_by_level(_columns(table, formula, name)[1], codes))
        component += [number] * random[-1].shape[1]
    Z, component = sparse.hstack(random, format="csr"), np.array(component)
    problem = reml.Problem.of(rest, Z, X, component)
    _check_components(problem, Z, basis, list(components))

    if len(problem.moments) >= problem.n <= np.linalg.matrix_rank(problem.gram, hermitian=True):
        raise InputError(
            f"{problem.n} rows leave no residual beside {Z.shape[1]} random and {X.shape[1]} fixed effects: "
            "leave a component out"
        )

    system = reml.System(problem)
    estimate = reml.estimate(system)
    if not estimate.variance > INDISTINCT * problem.total / problem.n:
        raise InputError(
            f"{response!r} does not vary but by {', '.join(map(repr, components))}: no residual is left"
        )
    inverse = system.inverse(estimate.theta)[:, ~system.random]
    fit = MixedFit(terms, levels, len(table), level, shift, system, estimate, inverse)
    if not fit.converged:
        warn(f"the mixed model of {response!r} did not converge", ConvergenceWarning, stacklevel=2)
    return fit


def deviance(system, log_variances):
    """The restricted deviance at given variances, and its slope.

    Parameters
    ----------
    system : reml.System
    log_variances : (K + 1,)
        Of the components, -inf for none, and of the residual.

    Returns
    -------
    float
        -2 log restricted likelihood.
    (K + 1,)
        Its derivatives by the log variances.
    """
    at = system.evaluate(np.exp((log_variances[:-1] - log_variances[-1]) / 2))
    degrees, variance = system.problem.degrees_of_freedom(True), np.exp(log_variances[-1])
    value = at.log_determinant + degrees * np.log(2 * np.pi * variance) + at.penalised / variance
    # log theta is half the difference of the log variances of component and residual
    slope = (at.log_determinant_slope + at.penalised_slope / variance) / 2
    return value, np.append(slope, degrees - at.penalised / variance - slope.sum())


def _crossing(excess, inside, step, farthest):
    """Where a function, negative at `inside`, crosses zero in the direction of `step`.

    It is infinite if the function is negative as far as `farthest`.
    """
    nearer, precision = (min if step > 0 else max), 1e-5 * abs(step)
    outside = nearer(inside + step, farthest)
    while excess(outside) < 0:
        if outside == farthest:
            return np.copysign(np.inf, step)
        step *= 2
        inside, outside = outside, nearer(outside + step, farthest)
    return optimize.brentq(excess, inside, outside, xtol=precision)


def _response(table, response, groups):
    """The response (n,), when it and the groups' columns are such as can be modelled."""
    _check_columns(table, [response, *groups])
    if not pd.api.types.is_numeric_dtype(table[response]):
        raise InputError(f"the response {response!r} must be numeric, not {table[response].dtype}")
    y = table[response].to_numpy(np.float64)
    _check_finite(y, f"the response, {response!r}")
    if len(y) == 0 or np.ptp(y) == 0:
        raise InputError(f"the response {response!r} has one value in all {len(y)} rows: nothing to model")
    return y


def _columns(table, formula, role):
    """The names (c,) and the columns (n, c) of a formula."""
    at_fault = f"the formula of {role}, {formula!r}"
    try:
        parsed = formulaic.Formula(formula)
        if not isinstance(parsed, formulaic.SimpleFormula):
            raise InputError(f"{at_fault}, has more than a right side: leave out '~' and '|'")
        _check_columns(table, sorted(parsed.required_variables))
        # Nothing but the table's columns and formulaic's own functions are known in a formula
        matrix = formulaic.model_matrix(parsed, table, context={}, na_action="ignore", output="pandas")
    except FormulaicError as error:
        raise InputError(f"{at_fault}, cannot be read: {str(error).splitlines()[0]}") from error
    columns = matrix.to_numpy(np.float64)
    if columns.shape[1] == 0:
        raise InputError(f"{at_fault}, has no column: name one, or '1'")
    _check_finite(columns, at_fault)
    return list(matrix.columns), columns


def _check_columns(table, names):
    """Raise an InputError for a column that the table lacks or that has gaps."""
    for name in names:
        if name not in table:
            known = ", ".join(map(str, table.columns))
            raise InputError(f"the table has no column {name!r}; it has {known}")
        if missing := int(table[name].isna().sum()):
            raise InputError(f"the column {name!r} is NaN in {missing} of {len(table)} rows: leave them out")


def _check_finite(values, what):
    """Raise an InputError for values (n, …) that are not all finite."""
    if bad := np.count_nonzero(~np.isfinite(values)):
        raise InputError(f"{what}, is infinite or NaN in {bad} places: leave these rows out")


def _basis(X, terms):
    """An orthonormal basis (n, p) of the fixed columns, which must be independent."""
    norms = np.linalg.norm(X, axis=0)
    basis, triangle, order = linalg.qr(X / np.where(norms > 0, norms, 1), mode="economic", pivoting=True)
    dependent = order[np.abs(np.diag(triangle)) < DEPENDENT]
    if len(dependent):
        names = ", ".join(terms[column] for column in sorted(dependent))
        raise InputError(
            f"the fixed effects depend on each other: {names} is 0 in all rows or follows from the others. "
            "Leave it out, or its unused levels"
        )
    return basis


def _by_level(columns, codes):
    """Columns (n, c) apart for each level (n,) of a group: sparse (n, levels * c)."""
    n, width = columns.shape
    places = codes[:, None] * width + np.arange(width)
    # (n, c) -> (n * c,)
    entries = columns.reshape(-1), (np.repeat(np.arange(n), width), places.reshape(-1))
    apart = sparse.csr_array(entries, shape=(n, (codes.max() + 1) * width))
    apart.eliminate_zeros()
    return apart


def _check_components(problem, Z, basis, names):
    """Raise an InputError if the variances of the components cannot be told from each other.

    Restricted likelihood sees of component k the covariance G_k = P Z_k Z_k' P, where P projects the fixed
    effects out, and P of the residual. Variances are identified if and only if these matrices are linearly
    independent. All that it takes are their inner products, such as tr(G_j G_k) = |Z_j' P Z_k|^2.
    """
    component = problem.component[: Z.shape[1]]
    projected = Z.T @ basis
    rest = problem.gram[: Z.shape[1], : Z.shape[1]] - projected @ projected.T
    of_component = np.eye(len(names))[component]
    left = of_component.T @ np.diag(rest)
    whole = of_component.T @ np.diag(problem.gram)[: Z.shape[1]]
    for name, is_left in zip(names, left > DEPENDENT * whole, strict=True):
        if not is_left:
            raise InputError(
                f"the random effects {name!r} cannot be told from the fixed effects, which say all that they "
                "could say: leave one of the two out"
            )
    inner = np.block(
        [[of_component.T @ rest**2 @ of_component, left[:, None]], [left, problem.n - basis.shape[1]]]
    )
    norms = np.sqrt(np.diag(inner))
    least, weights = (part[..., 0] for part in linalg.eigh(inner / np.outer(norms, norms)))
    if least < INDISTINCT:
        alike = [name for name, weight in zip([*names, RESIDUAL], weights, strict=True) if abs(weight) > 1e-3]
        raise InputError(
            f"the variances of {' and '.join(map(repr, alike))} cannot be told from each other: leave one "
            "of them out, or group it by another column"
        )
