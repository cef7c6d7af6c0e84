"""What the quantities of the findings are called."""

from relatives.figures import style


def space(name: str) -> str:
    """A space as readers know it: "MFCC"."""
    return style.space(name).label
