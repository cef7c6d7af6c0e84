"""Findings on the latent spaces held against the audio space: agreement and correlation."""

from collections.abc import Iterator
from itertools import combinations, pairwise

from relatives import study, words
from relatives.claims.judging import NOT_SAID, Part, finding, in_order
from relatives.claims.run import Run
from relatives.figures import style
from relatives.study import AUDIO, LATENT

# Our reading of words
FAR = 0.25  # "much better", of correlations: by a quarter of the way from none to full (section 5.3.2)
NEARLY_FLAT = (
    0.25  # "quite robust to the magnitude": changes by less than a quarter of itself (section 5.3.2)
)

# The study's marginal means (section 5.3.2), in its order, which is that of finding 6
CORRELATION = {"mfcc": 0.881, "AE": 0.209, "IR": 0.184, "VS": 0.181, "AT": 0.080}
# Of agreement (section 5.3.1), in the order of finding 5; of the networks it tells the highest and the lowest
AGREEMENT = {"mfcc": 0.796, "AT": 0.731, "IR": None, "VS": None, "AE": 0.273}


@finding(
    5,
    "5.3.1",
    "MFCC agrees most with the audio space (SiMPle, cosine), then AT, IR, VS and AE.",
)
def agreement(run: Run) -> Iterator[Part]:
    """Neighbours in the order."""
    yield from in_order(
        run, "agreement_simple_cosine", "agreement (SiMPle, cosine)", AGREEMENT, pairwise(AGREEMENT)
    )


@finding(
    6,
    "5.3.2",
    "MFCC correlates by far the most with the audio space (DTW, Euclidean), then AE, IR, VS and AT; the "
    "correlation is nearly flat in magnitude.",
)
def correlation(run: Run) -> Iterator[Part]:
    """MFCC far above each network, the networks in their order, each space flat; eq. 11 by excerpt beside."""
    model, quantity = "correlation_dtw_euclidean", "correlation (DTW, Euclidean)"
    first, *networks = CORRELATION
    yield from in_order(run, model, quantity, CORRELATION, [(first, other) for other in networks], FAR)
    yield from in_order(run, model, quantity, CORRELATION, pairwise(networks))
    for space in CORRELATION:
        yield Part(
            f"change, up or down, of the {quantity} of {words.space(space)} from the smallest "
            "transformations to the gravest, mean over transformations, as a share of its mean",
            "quite robust",
            run.change_of_correlation("dtw", "euclidean", space),
            bound=NEARLY_FLAT,
            above=False,
        )
    yield from in_order(
        run,
        "correlation_by_excerpt_dtw_euclidean",
        "correlation (DTW, Euclidean) of each excerpt by itself",
        dict.fromkeys(CORRELATION),
        pairwise(CORRELATION),
        decides=False,
    )


@finding(
    7,
    "5.3.1",
    "Where both the audio and the latent space fail, under grave transformations, agreement rises again.",
)
def agreement_rises_again(run: Run) -> Iterator[Part]:
    """Of each space, where it and the audio space fail; and whether agreement beyond chance rises, beside."""
    for space in AGREEMENT:
        yield Part(
            f"rise of agreement (SiMPle, cosine) of {words.space(space)} where both spaces fail, from its "
            "lowest on the way to the gravest",
            "rises",
            run.rise_of_agreement(space, "simple", "cosine"),
        )
    for space in AGREEMENT:
        yield Part(
            f"the same rise of the agreement of {words.space(space)} beyond chance (Cohen's kappa)",
            NOT_SAID,
            run.rise_beyond_chance(space, "simple", "cosine"),
            decides=False,
        )


@finding(
    10,
    "6.2",
    "The correlation on originals alone orders the spaces as that on transformed audio.",
)
def originals_foretell_the_order(run: Run) -> Iterator[Part]:
    """All pairs, the space that is higher on originals first: two may differ though a third lies between."""
    order = run.order_on_originals("dtw", "euclidean", tuple(CORRELATION))
    for first, second in combinations(order, 2):
        yield Part(
            words.lead(
                words.space(first), words.space(second), "correlation (DTW, Euclidean) on transformed audio"
            ),
            "same order as on originals",
            run.difference_ordered_on_originals("dtw", "euclidean", first, second),
        )


@finding(
    13,
    "5.3",
    "In all eight models between the spaces the largest effect is that of the space; in those of agreement "
    "that of the transformation is the second, larger than their interaction.",
    further=True,
)
def effects_between_spaces(run: Run) -> Iterator[Part]:
    """Of each of the eight models: the space above the transformation; then what the paper says of it.

    Of agreement it puts the transformation above the interaction; of the pair that it tells by number
    (SiMPle, cosine) it does not say so, and this ratio stands beside. Of correlation it puts both far below
    the space, and neither of them above the other.
    """
    known = {
        "agreement_simple_cosine": (f"{440 / 285:.2f}", NOT_SAID),
        "correlation_dtw_euclidean": ("about two orders of magnitude",) * 2,
    }
    # Of the other three pairs of distances
    others = {
        "agreement": ("largest", "considerably smaller"),
        "correlation": ("very similar", "very similar"),
    }
    # What is held against the interaction
    against = {"agreement": ("the transformation", "transformation"), "correlation": ("the space", "space")}
    for measure, (larger, effect) in against.items():
        for audio in AUDIO:
            for latent in LATENT:
                model = f"{measure}_{audio}_{latent}"
                of = f"{measure}, {style.pair_label((audio, latent))}"
                first, second = known.get(model, others[measure])
                yield Part(
                    words.multiple("the space", "that of the transformation", of),
                    first,
                    run.ratio_of_f(model, "space", "transformation"),
                    bound=1,
                )
                yield Part(
                    words.multiple(larger, "that of the interaction of space and transformation", of),
                    second,
                    run.ratio_of_f(model, effect, "space:transformation"),
                    bound=1,
                    decides=second != NOT_SAID,
                )


@finding(
    14,
    "5.3.2",
    "The lead of MFCC in correlation is larger under the Euclidean distance.",
    further=True,
)
def lead_of_mfcc(run: Run) -> Iterator[Part]:
    """The lead over each network, under both distances of the audio space."""
    first, *networks = CORRELATION
    for audio in AUDIO:
        for other in networks:
            yield Part(
                words.larger_lead(
                    words.space(first),
                    words.space(other),
                    f"correlation ({style.DISTANCES[audio].label})",
                    "under the Euclidean distance",
                    "under the cosine",
                ),
                "clearer",
                run.over_networks(f"correlation_{audio}_{study.DIFFERENCE}", first, other),
            )


@finding(
    15,
    "5.3.2, 6.2",
    "Under the distances of finding 5 (SiMPle, cosine) correlation has the networks in the reverse of that "
    "finding's order: AE, then VS, IR and AT.",
    further=True,
)
def reversed_order(run: Run) -> Iterator[Part]:
    """Neighbouring networks in the reverse of the order that agreement has in the study.

    That agreement has its order is finding 5, and stands there alone. Under DTW and the Euclidean distance
    the paper's own means have IR (.184) above VS (.181): finding 6.
    """
    _, *networks = AGREEMENT
    yield from in_order(
        run,
        "correlation_simple_cosine",
        "correlation (SiMPle, cosine)",
        dict.fromkeys(networks),
        pairwise(networks[::-1]),
    )
