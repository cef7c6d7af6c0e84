"""Findings on the consistency within spaces: the audio space, the latent spaces, the space of VS."""

from collections.abc import Iterator
from itertools import combinations

from relatives import words
from relatives.claims.judging import NOT_SAID, Part, finding, in_order
from relatives.claims.run import Run
from relatives.figures import style
from relatives.models import UNTRAINED
from relatives.study import AUDIO, LATENT
from relatives.transforms import SMALLEST

# Our reading of words
VERY_HIGH = 0.9  # "very high consistency", "close to 1": nine of ten keep their original nearest (5.2, 5.4.2)
SENSITIVE = (
    0.75  # "undesirably high sensitivity": one of four loses its original to what is hardly heard (5.4.2)
)

# The study's marginal means (section 5.2), in its order, which is that of finding 3
WITHIN = {"mfcc": 0.741, "AT": 0.671, "IR": 0.539, "VS": 0.331, "AE": 0.170}


@finding(
    1,
    "5.2",
    "Both audio distances are consistent for small transformations; consistency falls with magnitude, TS "
    "excepted, where it falls less.",
)
def audio_distances(run: Run) -> Iterator[Part]:
    """Very high at the smallest of each transformation; a fall of each but TS; a smaller one under TS.

    Under TS the study finds both distances "highly robust": that they fall there at all is not asked for.
    """
    quantities = {
        distance: f"consistency of the audio space ({style.DISTANCES[distance].label})" for distance in AUDIO
    }
    for distance, quantity in quantities.items():
        for transformation in SMALLEST:
            yield Part(
                f"{quantity} at the smallest {transformation}",
                "very high",
                run.consistency_at_smallest("audio", distance, transformation),
                bound=VERY_HIGH,
            )
    for distance, quantity in quantities.items():
        for transformation in SMALLEST:
            exception = transformation == "TS"
            yield Part(
                words.fall(f"the {quantity}", f"the smallest {transformation}"),
                "highly robust" if exception else "falls",
                run.fall("audio", distance, transformation),
                decides=not exception,
            )
    for distance, quantity in quantities.items():
        for transformation in SMALLEST:
            if transformation != "TS":
                yield Part(
                    f"how much further the {quantity} falls under {transformation} than under TS",
                    "TS is the exception",
                    run.fall("audio", distance, transformation, less="TS"),
                )


@finding(
    3,
    "5.2",
    "Within the latent spaces MFCC is the most consistent, then AT, IR, VS and AE; all differ.",
)
def within_latent_spaces(run: Run) -> Iterator[Part]:
    """All pairs, as all differ."""
    yield from in_order(run, "within_euclidean", "consistency (Euclidean)", WITHIN, combinations(WITHIN, 2))


@finding(
    4,
    "5.2",
    "Under the cosine distance the effect of the space exceeds that of the transformation, under the "
    "Euclidean they are about equal: cosine is slightly more robust to transformations.",
)
def cosine_is_robuster(run: Run) -> Iterator[Part]:
    """F of the space over F of the transformation: under the cosine distance, and against the Euclidean."""
    yield Part(
        words.multiple("the space", "that of the transformation", "consistency, cosine"),
        f"{1263 / 913:.2f}",
        run.ratio_of_f("within_cosine", "space", "transformation"),
        bound=1,
    )
    yield Part(
        "ratio of the F of the space to the F of the transformation (models of consistency): that under the "
        "cosine distance divided by that under the Euclidean",
        f"{(1263 / 913) / (1066 / 1087):.2f}",
        run.ratio_of_ratios("within_cosine", "within_euclidean", "space", "transformation"),
        bound=1,
    )


@finding(
    12,
    "5.4.2",
    "At the smallest transformations the median consistency of MFCC, AT and IR is close to 1, and VS and "
    "AE are highly sensitive.",
    further=True,
)
def medians_at_smallest(run: Run) -> Iterator[Part]:
    """The box of Figure 12 of each space, under both distances."""
    for distance in LATENT:
        for space in WITHIN:
            near = space in ("mfcc", "AT", "IR")
            yield Part(
                f"median consistency of {words.space(space)} ({style.DISTANCES[distance].label}) "
                "at the smallest transformations",
                "close to 1" if near else "undesirably high sensitivity",
                run.median_at_smallest(space, distance),
                bound=VERY_HIGH if near else SENSITIVE,
                above=near,
            )


@finding(
    16,
    "6.5, RQ 1",
    "Consistency within the latent spaces fades as transformations grow from imperceptible to grave.",
    further=True,
)
def consistency_fades(run: Run) -> Iterator[Part]:
    """Within each latent space; between spaces agreement rises again, which is finding 7."""
    for distance in LATENT:
        for space in WITHIN:
            yield Part(
                words.fall(
                    f"the consistency of {words.space(space)} ({style.DISTANCES[distance].label})",
                    "the smallest transformations",
                    "the gravest, mean over transformations",
                ),
                "lower",
                run.fall_over_transformations(space, distance),
            )


@finding(
    17,
    "6.2, Figure 14",
    "The loudness of the vocals orders the space of VS: excerpts with a similar degree of vocals fall "
    "close together.",
    further=True,
)
def vocals_order_the_songs(run: Run) -> Iterator[Part]:
    """For each network, its neighbours' loudness against chance; beside them, what needs no training."""
    quantity = "rank correlation of an excerpt's vocal loudness with that of its neighbours of other songs"
    yield Part(
        words.lead(words.space("VS"), f"{words.space(UNTRAINED)} networks", f"the {quantity}"),
        NOT_SAID,
        run.lead_in_loudness("VS", UNTRAINED),
        decides=False,
    )
    for space in ("VS", UNTRAINED):
        for trial, estimate, chance in run.loudness_of_neighbours(space):
            yield Part(
                f"{quantity}, {words.space(space)}{trial}",
                "close together" if space == "VS" else "–",
                estimate,
                bound=chance,
                decides=space == "VS",
            )
