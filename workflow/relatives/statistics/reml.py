r"""Variances by maximum likelihood, for linear models with independent random effects.

The model is

.. math:: y = X \beta + Z u + \varepsilon, \quad u_k \sim N(0, \sigma_k^2 I),
    \quad \varepsilon \sim N(0, \sigma^2 I)

where the columns of Z fall into components k, each with a variance of its own. Mixed models are of this form;
so is a penalised smooth, whose smoothing parameter is :math:`\sigma^2 / \sigma_k^2` (Wood 2017, Generalized
Additive Models, 2nd edition, sections 4.2.4 and 5.8). One engine serves both.

The variances are found on the profiled deviance of Bates et al. (2015, Journal of Statistical Software 67(1),
sections 3.2 to 3.4): for the ratios :math:`\theta_k = \sigma_k / \sigma`, all else has a closed form. It
needs no more of the data than cross-products, so an evaluation costs the same for a thousand rows and for a
million. The random effects of one component, the largest whose columns are orthogonal (as indicators of
excerpts are), are eliminated by a division each.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import linalg, optimize, sparse
from threadpoolctl import threadpool_limits

from relatives.errors import InputError

one_thread = threadpool_limits.wrap(limits=1, user_api="blas")
"""Decorates what fits a model: more threads of BLAS are slower on matrices of this size, and would change the
last digits with the machine.
"""

FIXED = -1
"""The component of the columns that are not penalised."""

REACH = 12.0
"""How far log theta may go above where a component explains about as much as the residual."""

NOTHING = 1e-6
"""A variance over that at which its component explains as much as the residual: below, it is 0."""

ROUNDING = 1e-13
"""Of a sum of squares, relative."""

TOLERANCE = 1e-2
"""Of the deviance's gradient at an optimum."""


@dataclass(frozen=True)
class Problem:
    """A model by its cross-products, columns being the random effects and then the fixed ones.

    Attributes
    ----------
    gram : (k, k)
        Of all columns W = (Z, X): W'W.
    moments : (k,)
        W'y.
    total : float
        y'y.
    n : int
        Rows.
    component : (k,) int
        The component of each column, from 0 without a gap; `FIXED` for those of X.
    """

    gram: np.ndarray
    moments: np.ndarray
    total: float
    n: int
    component: np.ndarray

    @classmethod
    def of(cls, response, random, fixed, component):
        """The problem of a response (n,) and the columns of Z (n, q), sparse or not, and X (n, p).

        `component` (q,) is that of the columns of Z.
        """
        columns = sparse.hstack([sparse.csr_array(random), sparse.csr_array(fixed)], format="csr")
        if columns.nnz > 0.1 * np.prod(columns.shape):
            columns = columns.toarray()
        gram = columns.T @ columns
        return cls(
            gram=gram.toarray() if sparse.issparse(gram) else gram,
            moments=columns.T @ response,
            total=float(response @ response),
            n=len(response),
            component=np.concatenate([component, np.full(fixed.shape[1], FIXED)]).astype(int),
        )

    def given(self, column, value):
        """The problem that is left where the coefficient of one column is known."""
        rest = np.arange(len(self.moments)) != column
        return replace(
            self,
            gram=self.gram[np.ix_(rest, rest)],
            moments=(self.moments - value * self.gram[:, column])[rest],
            total=self.total - 2 * value * self.moments[column] + value**2 * self.gram[column, column],
            component=self.component[rest],
        )

    def degrees_of_freedom(self, restricted):
        """What the residual variance is estimated on: n, less the fixed columns if restricted."""
        return self.n - restricted * np.count_nonzero(self.component == FIXED)


@dataclass(frozen=True)
class Evaluation:
    """The parts of the deviance at some variances, with their derivatives (K,) by each log theta.

    Attributes
    ----------
    log_determinant, log_determinant_slope
        Of the penalised normal matrix: with the columns of X for the restricted likelihood, without
        for the full.
    penalised, penalised_slope
        The penalised sum of squares: of the residuals, plus those of u / theta.
    """

    log_determinant: float
    log_determinant_slope: np.ndarray
    penalised: float
    penalised_slope: np.ndarray


class System:
    """The penalised normal equations of a problem, solved at any ratios theta (K,).

    With D = diag(theta, 1) the matrix is M = D W'W D + diag(1, 0), whose unknowns are u / theta and beta.
    """

    def __init__(self, problem):
        self.problem = problem
        self.sizes = np.bincount(problem.component[problem.component != FIXED])
        self.random = problem.component != FIXED
        self.eliminated = _largest_orthogonal(problem, len(self.sizes))
        # Where a component explains as much as the residual: theta = 1 / rms norm of its columns
        norms = np.bincount(problem.component[self.random], np.diag(problem.gram)[self.random])
        self.centre = -0.5 * np.log(norms / self.sizes)

    def scales(self, theta):
        """D, the scale (k,) of each column."""
        return np.append(theta, 1.0)[self.problem.component]

    def solve(self, theta, kept=None):
        """M without the columns not `kept`: log determinant, diagonal of the inverse, solution, and
        the parts.

        The parts are what `inverse` makes the whole inverse of.
        """
        scale = self.scales(theta)
        first, rest, squares, between, within = self._all if kept is None else self._blocks(kept)
        diagonal = scale[first] ** 2 * squares + 1
        cross = scale[first, None] * between * scale[rest]
        schur = scale[rest, None] * within * scale[rest]
        schur[np.diag_indices_from(schur)] += self.random[rest]
        schur -= cross.T @ (cross / diagonal[:, None])
        try:
            factor = linalg.cholesky(schur, lower=True, check_finite=False)
        except linalg.LinAlgError as error:
            raise InputError("the fixed columns of a model depend on each other") from error
        inverse = linalg.cho_solve((factor, True), np.eye(len(rest)), check_finite=False)
        right = scale * self.problem.moments
        solution = np.zeros(len(scale))
        solution[rest] = inverse @ (right[rest] - cross.T @ (right[first] / diagonal))
        solution[first] = (right[first] - cross @ solution[rest]) / diagonal
        weighted = cross / diagonal[:, None]
        inverse_diagonal = np.zeros(len(scale))
        inverse_diagonal[rest] = np.diag(inverse)
        inverse_diagonal[first] = 1 / diagonal + np.sum(weighted @ inverse * weighted, axis=1)
        log_determinant = np.log(diagonal).sum() + 2 * np.log(np.diag(factor)).sum()
        return log_determinant, inverse_diagonal, solution, (first, rest, diagonal, weighted, inverse)

    @cached_property
    def _all(self):
        """The blocks of all columns, kept because copying them takes longer than solving."""
        return self._blocks(np.ones(len(self.eliminated), bool))

    def _blocks(self, kept):
        """The columns kept, those to eliminate and the rest; and of W'W the diagonal and blocks of these."""
        gram = self.problem.gram
        first, rest = np.flatnonzero(self.eliminated & kept), np.flatnonzero(~self.eliminated & kept)
        return first, rest, gram[first, first], gram[np.ix_(first, rest)], gram[np.ix_(rest, rest)]

    def evaluate(self, theta, restricted=True):
        """The parts of the deviance at theta: an `Evaluation`.

        Its slopes follow from dM / dlog theta = E (M - I) + (M - I) E, with E the component's part of the
        identity, and from the penalised sum of squares being stationary in its unknowns.
        """
        component = self.problem.component[self.random]
        log_determinant, inverse_diagonal, solution, _ = self.solve(theta)
        if not restricted:
            log_determinant, inverse_diagonal, _, _ = self.solve(theta, self.random)
        # What an exact fit leaves is rounding, of either sign
        penalised = self.problem.total - solution @ (self.scales(theta) * self.problem.moments)
        penalised = max(penalised, ROUNDING * self.problem.total)
        return Evaluation(
            log_determinant,
            2 * (self.sizes - np.bincount(component, inverse_diagonal[self.random])),
            penalised,
            -2 * np.bincount(component, solution[self.random] ** 2),
        )

    def inverse(self, theta):
        """D M^-1 D (k, k): the covariance of beta and of u's errors, in units of the residual variance."""
        _, _, _, (first, rest, diagonal, weighted, inverse) = self.solve(theta)
        whole = np.zeros_like(self.problem.gram)
        across = -weighted @ inverse
        whole[np.ix_(rest, rest)] = inverse
        whole[np.ix_(first, rest)], whole[np.ix_(rest, first)] = across, across.T
        whole[np.ix_(first, first)] = np.diag(1 / diagonal) - across @ weighted.T
        scale = self.scales(theta)
        return scale[:, None] * whole * scale


@dataclass(frozen=True)
class Estimate:
    """A model at its most likely variances.

    Attributes
    ----------
    theta : (K,)
        The ratio of each component's deviation to that of the residual; 0 at the boundary.
    variance : float
        Of the residual.
    coefficients : (k,)
        u and beta, in the order of the columns.
    deviance : float
        -2 log likelihood, restricted or not.
    converged : bool
        Whether the deviance is flat there, but for components at the boundary.
    """

    theta: np.ndarray
    variance: float
    coefficients: np.ndarray
    deviance: float
    converged: bool


def estimate(system, restricted=True, starts=(0.0,)):
    """The most likely variances of a problem's components.

    Parameters
    ----------
    system : System
    restricted : bool
        REML; else ML.
    starts : sequence of float or (K,)
        Where to begin, as log theta over that at which the component explains as much as the
        residual. The best of the optima is taken: with many components there may be several.
    """
    count, degrees = len(system.sizes), system.problem.degrees_of_freedom(restricted)

    def profiled(log_ratio):
        at = system.evaluate(np.exp(system.centre + log_ratio / 2), restricted)
        value = at.log_determinant + degrees * (1 + np.log(2 * np.pi * at.penalised / degrees))
        return value, (at.log_determinant_slope + degrees * at.penalised_slope / at.penalised) / 2

    found = [minimised(profiled, 2 * np.broadcast_to(start, count)) for start in starts]
    log_ratio, value, converged = min(found, key=lambda result: result[1])
    theta = np.exp(system.centre + log_ratio / 2)
    solution = system.solve(theta)[2]
    at = system.evaluate(theta, restricted)
    return Estimate(
        theta=theta,
        variance=at.penalised / degrees,
        coefficients=system.scales(theta) * solution,
        deviance=value,
        converged=converged,
    )


def minimised(function, start):
    """Minimise a function of variances.

    The search is over log(1 + r), r being the ratio of a variance to that at which its component explains as
    much as the residual: a logarithm of the large, and near zero a line, on which the slope tells an optimum
    at zero. (On a logarithm every slope ends before zero, and a step too far never comes back.)

    Parameters
    ----------
    function : callable
        Of log r (K,): its value, and its slope (K,).
    start : (K,)
        Where to begin, log r.

    Returns
    -------
    (K,)
        log r at the optimum; -inf at zero.
    float
        The value there.
    bool
        Whether the function is flat there, but for variances at their bounds.
    """

    def transformed(x):
        ratio = np.expm1(x)
        value, slope = function(np.log(ratio))
        return value, slope * (1 + ratio) / ratio

    found = optimize.minimize(
        transformed,
        np.log1p(np.exp(start)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(NOTHING, 2 * REACH)] * len(start),
        options={"maxiter": 500, "ftol": 1e-13, "gtol": TOLERANCE / 100},
    )
    vanished = found.x <= NOTHING
    inside = ~vanished & (found.x < 2 * REACH)
    return (
        np.where(vanished, -np.inf, np.log(np.expm1(found.x))),
        float(found.fun),
        bool(np.abs(found.jac[inside]).max(initial=0) < TOLERANCE),
    )


def _largest_orthogonal(problem, count):
    """Mark the columns (k,) of the largest component whose columns are orthogonal, if there is one."""
    best = np.zeros(len(problem.component), bool)
    for component in range(count):
        own = problem.component == component
        block = problem.gram[np.ix_(own, own)]
        if own.sum() > best.sum() and not (block - np.diag(np.diag(block))).any():
            best = own
    return best
