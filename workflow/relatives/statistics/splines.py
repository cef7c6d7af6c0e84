r"""Thin plate regression splines of one covariate (Wood 2003, Journal of the Royal Statistical Society B 65).

A thin plate spline has a knot at every value of the covariate, and the penalty is the integral of the squared
second derivative. Of the space that those span, the regression spline keeps the part that changes the penalty
and the fit most: that of the k eigenvalues that are largest in size. No knots have to be placed. It is the
default smooth of R's mgcv, which the study's models were fitted with.
"""

import numpy as np

LINEAR = 2
"""Columns of every basis that are not penalised: the constant and the line."""


def thin_plate(x, size):
    r"""Basis of a smooth function at the values x.

    Parameters
    ----------
    x : (n,)
        At least `size` of the values are distinct.
    size : int
        Functions of the basis, 3 or more; the last two are the constant and x.

    Returns
    -------
    basis : (n, size)
    penalty : (size, size)
        For coefficients c, :math:`c'Sc` is the integral of the squared second derivative of the function; up
        to the factor that the kernel carries.
    """
    values, places = np.unique(x, return_inverse=True)
    # Wood (2003), eq. 3 for one dimension and the second derivative: the kernel is |r|^3 / 12
    kernel = np.abs(values[:, None] - values) ** 3 / 12
    eigenvalues, eigenvectors = np.linalg.eigh(kernel)
    largest = np.argsort(-np.abs(eigenvalues), kind="stable")[:size]
    eigenvalues, eigenvectors = eigenvalues[largest], eigenvectors[:, largest]
    line = np.stack([np.ones_like(values), values], axis=1)
    # The wiggly part is orthogonal to what is not penalised (Wood 2003, section 3)
    free = null_space(line.T @ eigenvectors)
    wiggly = (eigenvectors * eigenvalues) @ free
    penalty = np.zeros((size, size))
    penalty[:-LINEAR, :-LINEAR] = free.T * eigenvalues @ free
    return np.hstack([wiggly, line])[places], penalty


def null_space(constraints):
    """Orthonormal columns (n, n - m) that fulfil the constraints (m, n), which are independent, with zero."""
    orthogonal, _ = np.linalg.qr(constraints.T, mode="complete")
    return orthogonal[:, len(constraints) :]


def centred(basis, penalty):
    """A basis without the constant, apart in its penalised and its free columns.

    The functions have mean zero over all rows, so none carries a level. The penalised columns are scaled such
    that their penalty is the identity: as random effects they have one variance and no correlation.

    Parameters
    ----------
    basis : (n, size)
    penalty : (size, size)

    Returns
    -------
    penalised : (n, size - 2)
    free : (n, 1)
    """
    to_centred = null_space(basis.mean(axis=0, keepdims=True))
    eigenvalues, directions = np.linalg.eigh(to_centred.T @ penalty @ to_centred)
    functions = basis @ to_centred @ directions
    # Of the two functions without penalty the constant is gone; eigh gives the smallest value first
    return functions[:, 1:] / np.sqrt(eigenvalues[1:]), functions[:, :1]
