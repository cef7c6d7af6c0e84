"""Findings on task performance."""

from collections.abc import Iterator

from relatives import study
from relatives.claims.judging import Part, finding
from relatives.claims.run import Run
from relatives.transforms import SMALLEST


@finding(
    2,
    "5.1",
    "Task performance depends most on the encoder, VGG above MFCC; the gap between the two is largest "
    "for AE and smallest for VS.",
)
def task_performance(run: Run) -> Iterator[Part]:
    """VGG above MFCC by the largest of all effects; the gap between them by task."""
    yield Part(
        "performance in standard units: VGG − MFCC",
        f"{0.84 + 0.52:.2f}",
        run.difference("performance", "encoder", "VGG", "MFCC"),
    )
    yield Part(
        "F of the encoder / the largest other F, performance",
        f"{12898 / 466:.1f}",
        run.dominance("performance", "encoder"),
        bound=1,
    )
    gap = "VGG − MFCC in standard units: in {} − in {}"
    for task in ("AT", "IR", "VS"):
        yield Part(gap.format("AE", task), "largest for AE", run.difference("performance", "gap", "AE", task))
    for task in ("AT", "IR"):
        yield Part(
            gap.format(task, "VS"), "smallest for VS", run.difference("performance", "gap", task, "VS")
        )


@finding(
    8,
    "5.1",
    "The reconstruction of AE gets better with more environmental noise.",
)
def noise_is_easily_reconstructed(run: Run) -> Iterator[Part]:
    """The error of AE falls."""
    yield Part(
        "mean squared error of AE (VGG) under EN: smallest (30 dB) − gravest",
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
            f"performance of {task} (VGG) in standard units: smallest transformations − originals",
            "degraded",
            run.change_of_performance((task,), "VGG", SMALLEST),
            above=False,
        )
    for transformation in SMALLEST:
        if transformation != "PS":
            yield Part(
                "performance (VGG) in standard units at the smallest, mean over tasks: "
                f"{transformation} − PS",
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
    quantity = "F of task × transformation"
    yield Part(
        f"F of the encoder / {quantity}, performance",
        f"{12898 / 466:.1f}",
        run.ratio_of_f("performance", "encoder", "task:transformation"),
        bound=1,
    )
    yield Part(
        f"{quantity} / the largest other F but the encoder's, performance",
        f"{466 / 210:.1f} (task × encoder)",
        run.dominance("performance", "task:transformation", beside=("encoder",)),
        bound=1,
    )

