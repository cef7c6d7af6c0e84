"""Statistics of the study: what its tables of results allow to conclude.

`gam`
    an additive model: factors, their interactions, and a penalised smooth of a covariate for every cell
`mixed`
    a linear mixed model: independent random effects, each with a variance of its own
`bootstrap`
    percentile intervals of means over excerpts

Both models are fitted by restricted maximum likelihood, on one engine (`reml`); tests and means of their
marginal effects are in `marginal`. A model is imported when it is first asked for.
"""

from importlib import import_module

_MODULES = {"gam": "additive", "mixed": "hierarchical"}

__all__ = ["gam", "mixed"]


def __getattr__(name):
    """Import a model on its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
