"""What the quantities of tables, findings and report are called: all names that are more than a key.

A reader meets them outside of any table, so they are phrases and no formulas: "lead of MFCC over AT in
consistency", not "MFCC − AT".
"""

from relatives import study
from relatives.figures import style

MEASURES = {
    "performance": "task performance",
    "within": "consistency within the latent spaces",
    "agreement": "agreement with the audio space",
    "correlation": "correlation with the audio space",
}
"""What is modelled, by the first word of a model's name."""


def space(name: str) -> str:
    """A space as readers know it: "MFCC"."""
    return style.space(name).label


def model(name: str) -> str:
    """A model by its name: "within_cosine" -> "consistency within the latent spaces (cosine)"."""
    alone = name.startswith(study.PREFIX)
    name = name.removeprefix(study.PREFIX)
    of_excerpts, of_difference = "_by_excerpt" in name, name.endswith(study.DIFFERENCE)
    name = name.replace("_by_excerpt", "").removesuffix(f"_{study.DIFFERENCE}")
    measure, *distances = name.split("_")
    words = MEASURES[measure]
    if of_excerpts:
        words += ", one an excerpt"
    if distances:
        words += f" ({style.pair_label(distances)})"
    if of_difference:
        words = f"how much larger the {words} is under the Euclidean distance than under the cosine"
    return f"{words}, the study's spaces alone" if alone else words


def effect(term: str) -> str:
    """An effect in a model: "task:transformation" -> "task × transformation"."""
    return term.replace(":", " × ")


def lead(first: str, second: str, of: str) -> str:
    """A difference: how far one thing is ahead of another in a quantity."""
    return f"lead of {first} over {second} in {of}"


def larger_lead(first: str, second: str, of: str, here: str, there: str) -> str:
    """A difference of differences."""
    return f"how much larger the {lead(first, second, of)} is {here} than {there}"


def fall(of: str, smallest: str, gravest: str = "the gravest") -> str:
    """A difference between the smallest and the gravest of what is done to the audio."""
    return f"fall of {of} from {smallest} to {gravest}"


def multiple(first: str, second: str, of: str) -> str:
    """A ratio of the F of two effects in one additive model."""
    return f"F of {first} as a multiple of {second} (model of {of})"
