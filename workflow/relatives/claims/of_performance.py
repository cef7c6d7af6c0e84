"""Findings on task performance."""

from collections.abc import Iterator

from relatives import study, words
from relatives.claims.judging import Part, finding
from relatives.claims.run import Run
from relatives.transforms import SMALLEST

PERFORMANCE = "performance (standard units)"


@finding(
    2,
    "5.1",
    "Task performance depends most on the encoder, VGG above MFCC; the gap between the two is largest "
    "for AE and smallest for VS.",
)
def task_performance(run: Run) -> Iterator[Part]:
    """VGG above MFCC by the largest of all effects; the gap between them by task."""
    yield Part(
        words.lead("VGG", "MFCC", PERFORMANCE),
        f"{0.84 + 0.52:.2f}",
        run.difference("performance", "encoder", "VGG", "MFCC"),
    )
    yield Part(
        words.multiple("the encoder", "the largest other F", "performance"),
        f"{12898 / 466:.1f}",
        run.dominance("performance", "encoder"),
        bound=1,
    )
    pairs = [("AE", task, "largest for AE") for task in ("AT", "IR", "VS")]
    pairs += [(task, "VS", "smallest for VS") for task in ("AT", "IR")]
    for here, there, known in pairs:
        yield Part(
            words.larger_lead("VGG", "MFCC", PERFORMANCE, f"in {here}", f"in {there}"),
            known,
            run.difference("performance", study.LEAD, here, there),
        )


@finding(
    8,
    "5.1",
    "The reconstruction of AE gets better with more environmental noise.",
)
def noise_is_easily_reconstructed(run: Run) -> Iterator[Part]:
    """The error of AE falls."""
    yield Part(
        words.fall("the mean squared error of AE (VGG)", "the smallest EN (30 dB)"),
        "gets better",
        run.fall_of_performance("AE", "VGG", "EN"),
    )


@finding(
    9,
    "5.4.1",
    "Already the smallest transformations degrade task performance, PS most.",
)
def smallest_degrade_performance(run: Run) -> Iterator[Part]:
    """Every task of the study is degraded, and by PS more than by each other."""
    for task in study.TASKS:
        yield Part(
            f"change of the {PERFORMANCE} of {task} (VGG) from originals to the smallest transformations",
            "degraded",
            run.change_of_performance((task,), "VGG", SMALLEST),
            above=False,
        )
    for transformation in SMALLEST:
        if transformation != "PS":
            yield Part(
                f"how much higher the {PERFORMANCE} of VGG, mean over tasks, is at the smallest "
                f"{transformation} than at the smallest PS",
                "PS degrades most",
                run.change_of_performance(study.TASKS, "VGG", (transformation,), less="PS"),
            )


@finding(
    11,
    "5.1",
    "The second largest effect on task performance is the interaction of task and transformation.",
    further=True,
)
def second_largest_effect(run: Run) -> Iterator[Part]:
    """Below the encoder and above all others."""
    interaction = "the interaction of task and transformation"
    yield Part(
        words.multiple("the encoder", f"that of {interaction}", "performance"),
        f"{12898 / 466:.1f}",
        run.ratio_of_f("performance", "encoder", "task:transformation"),
        bound=1,
    )
    yield Part(
        words.multiple(interaction, "the largest other F but the encoder's", "performance"),
        f"{466 / 210:.1f} (task × encoder)",
        run.dominance("performance", "task:transformation", beside=("encoder",)),
        bound=1,
    )
