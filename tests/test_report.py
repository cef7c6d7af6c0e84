"""The report holds what it is given, opens without a network, and every caption can be read."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from relatives import report, words
from relatives.claims import evaluate
from relatives.errors import InputError

FOLDER = Path(report.__file__).parents[1] / "report"
CAPTIONS = sorted(set(FOLDER.glob("*.rst")) - {FOLDER / "workflow.rst"})
PNG = b"\x89PNG\r\n\x1a\n a picture"
NOTHING = float("nan")
SCORES = [
    ("AE", "VGG", 0, "mean squared error", "network", 0.4, 0.0, 0.0, 0.0, 300, True),
    ("AE", "VGG", 0, "mean squared error", "mean spectrum", 0.8, 0.4, 0.3, 0.5, 300, True),
    ("AE", "VGG", 0, "mean squared error", "own mean spectrum", 0.5, 0.1, 0.05, 0.15, 300, True),
    ("AE", "VGG", 1, "mean squared error", "network", 0.6, 0.0, 0.0, 0.0, 250, False),
    ("AE", "VGG", 1, "mean squared error", "mean spectrum", 0.8, 0.2, 0.1, 0.3, 250, False),
    ("AE", "VGG", 1, "mean squared error", "own mean spectrum", 0.5, -0.1, -0.2, -0.05, 250, False),
    ("VS", "MFCC", 0, "SDR [dB]", "network", -1.25, 0.0, 0.0, 0.0, 200, True),
    ("VS", "MFCC", 0, "SDR [dB]", "mixture", -1.5, -0.25, -0.4, -0.1, 200, True),
    ("VS", "MFCC", 0, "SDR [dB]", "mean z", -1.26, 0.01, -0.1, 0.1, 200, True),
    ("VS", "MFCC", 0, "SDR [dB]", "another excerpt's z", NOTHING, NOTHING, NOTHING, NOTHING, 200, True),
]


def scores(rows=SCORES):
    columns = ["task", "encoder", "trial", "measure", "predictor", "performance", "lead", "lower", "upper"]
    return pd.DataFrame(rows, columns=[*columns, "steps", "cut_off"])


EVIDENCE = pd.DataFrame(
    [
        (1, "first − gravest", "falls", 0.25, 0.125, 0.375, "a rule", "supported"),
        (1, "second − gravest", "falls", 0.5, 0.4, 0.6, "a rule", "supported"),
        (2, "F / F", "0.84", 1.016, np.nan, np.nan, "another rule", "contradicted"),
        (3, "AT − IR < VS", "0.132", np.nan, np.nan, np.nan, "needs the space AT", "not decided by this run"),
        (3, "IR − VS", "0.208", -0.0001, -0.1, 0.1, "a third rule", "not decided by this run"),
    ],
    columns=["claim", "quantity", "study", "run", "lower", "upper", "rule", "verdict"],
)
ADDITIVE = {"additive": 0.3, "additive_lower": 0.2, "additive_upper": 0.4}
EVIDENCE = EVIDENCE.assign(**{name: [value, *[np.nan] * 4] for name, value in ADDITIVE.items()})
CLAIMS = EVIDENCE.drop_duplicates("claim").assign(
    statement=["First.", "Second & last.", "Third."],
    kind=["finding", "finding", "further sentence"],
    section=["5.2", "5.1", "6.2"],
)

# As pandas reads them from files: what is empty is missing
STATISTICS = {
    name: pd.read_csv(io.StringIO(text))
    for name, text in {
        "fit": """model,n,r_squared,edf,residual_df,problem
performance,3760,0.98,237.75,3522.25,
within_cosine,1974,,,,"no such luck: add magnitudes"
""",
        "anova": """model,term,df1,df2,F,p
performance,encoder,1,3522.25,12898.4,1e-300
performance,task:encoder,3,3522.25,0.651234,0.58184
""",
        "means": """model,term,task,encoder,space,mean,se,lower,upper
performance,encoder,,VGG,,0.84,0.008,0.824,0.856
performance,encoder,,MFCC,,-0.52,0.009,-0.538,-0.502
performance,task:encoder,AE,VGG,,0.987,0.018,0.9,1.1
""",
        "differences": """model,term,first,second,difference,se,t,p,lower,upper
performance,encoder,VGG,MFCC,1.36,0.012,113.3,0.0,1.336,1.384
performance,lead of VGG over MFCC,AE,VS,1.5,0.02,75.0,0.0312,1.4,1.6
""",
        "smooths": """model,cell,edf,basis,k_index,p,warning
performance,PS:AE:VGG,8.9,9,0.52,0.0,True
performance,TS:AE:VGG,3.1,9,0.99,0.4,False
""",
        "backends": """model,smoothing,quantity,at,reml,pygam,difference
performance,reml,r_squared,,0.98,0.98,-2e-10
performance,reml,residual_df,,3522.25,3522.25,3e-06
performance,reml,F,task:encoder,0.651234,0.651234,-8e-10
performance,reml,mean,AE:VGG,0.987,0.987,4e-09
performance,grid,r_squared,,0.98,0.981,0.001
performance,grid,residual_df,,3522.25,3485.5,-36.75
performance,grid,F,task:encoder,0.651234,0.6382,-0.02
performance,grid,mean,AE:VGG,0.987,0.98688,-0.00012
""",
        "mixed_means": """model,space,mean,se,df,lower,upper
within_euclidean,mfcc,0.74,0.01,12.34,0.72,0.76
within_euclidean,AE,0.17,0.02,4.0,0.13,0.21
""",
        "mixed_differences": """model,first,second,difference,se,df,t,p,lower,upper
within_euclidean,AE,mfcc,-0.57,0.02,4.5,-28.5,0.0002,-0.61,-0.53
""",
        "mixed_variances": """model,component,variance,lower,upper
within_euclidean,excerpt,0.01,0.005,0.02
within_euclidean,residual,0.03,0.02,0.04
""",
        "mixed_fit": """model,n,excerpts,networks,converged,note
within_euclidean,900,100,9,True,
within_cosine,900,100,9,False,the optimiser gave up
""",
    }.items()
}


def build(**changes):
    caption = "**A title.** What is *drawn*; 1 < 2.\nFigure 4 of the study.\n"
    parts = {
        "about": "This run is < small.",
        "headline": {"magnitudes": "94", "wall time": "15 min 42 s"},
        "figures": [report.Figure("fig04", PNG, caption), report.Figure("fig10", PNG, caption)],
        "tables": [report.Table("table01", pd.DataFrame({"Layers": ["a & b"]}), caption)],
        "scores": scores(),
        "claims": CLAIMS,
        "evidence": EVIDENCE,
        "statistics": STATISTICS,
        "stages": pd.DataFrame(
            [("training", 16, 300.0, 1234.5), ("figures", 11, 100.0, float("nan"))],
            columns=["stage", "jobs", "seconds", "max_rss_mb"],
        ),
        "skipped": pd.DataFrame({"corpus": ["mine"], "file": ["a <b>.mp3"], "reason": ["truncated"]}),
        "notes": pd.DataFrame({"corpus": ["mine"], "track_id": ["c <d>.ogg"], "notes": ["It was joined."]}),
        "versions": {"torch": "2.11.0"},
        "provenance": {
            "configurations": [("c0ffee", 90)],
            "revisions": [("revision 123456", 80), ("revision 654321, modified", 10)],
            "seeds": [("2019", 90)],
            "machines": [("Linux, a processor", 90)],
            "unknown": 1,
            "corpora": [
                {"corpus": "mine", "source": "folder", "files": 12, "sha256": "beef"},
                {"corpus": "tagging", "source": "synthetic", "files": None, "sha256": "feed"},
            ],
        },
        "config": {"seed": 2019, "tasks": ["AE", "VS"], "statistics": {"backend": "reml"}},
    }
    return report.build(FOLDER / "report.html.j2", **(parts | changes))


class Page(HTMLParser):
    """Collects a page's text, links, pictures and ids, and checks that its tags close."""

    def __init__(self, source):
        super().__init__()
        self.open, self.text, self.links, self.pictures, self.ids, self.tags = [], "", [], [], set(), set()
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        self.links += [attributes["href"]] if "href" in attributes else []
        self.pictures += [attributes] if tag == "img" else []
        if "id" in attributes:
            assert attributes["id"] not in self.ids
            self.ids.add(attributes["id"])
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " " if tag in ("td", "th", "dt") else ""

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


def test_the_page_holds_what_it_is_given():
    text = " ".join(Page(build()).text.split())
    assert "94" in text and "15 min 42 s" in text and "1234 MB" in text
    assert "a & b" in text and "What is drawn; 1 < 2." in text
    assert "Configuration, sha256 c0ffee 90 files" in text and "revision 654321, modified 10 files" in text
    assert "Without a record 1 file" in text and "mine folder 12 beef tagging synthetic feed" in text
    assert "a <b>.mp3 truncated" in text and "torch 2.11.0" in text and "seed: 2019" in text
    assert "Used with a note: 1" in text and "c <d>.ogg It was joined." in text
    assert not re.search(r"\bnan\b|None|True|False", text)


SIZES = {"trials": 5, "width": 16, "excerpts": 1000}


def configured(sources, trials=3, width=4, excerpts=100, tasks=("AE",), encoders=("VGG", "MFCC")):
    """As much of a configuration as `about` reads, of corpora by their sources; the first has the points."""
    return {
        "tasks": list(tasks),
        "encoders": list(encoders),
        "trials": trials,
        "training": {"width": width},
        "consistency": {"corpus": next(iter(sources))},
        "corpora": {name: {"source": source, "excerpts": excerpts} for name, source in sources.items()},
    }


def test_what_was_found_of_an_encoder_stands_in_the_head():
    page = build(remarks=["Encoder mine: the same <audio> gives other points (48 %)."])
    head, _, rest = page.partition("</header>")
    assert "Encoder mine: the same &lt;audio&gt; gives other points (48 %)." in head and "48 %" not in rest
    assert "about remark" not in build()


def test_the_head_says_that_a_composed_run_is_composed_and_small():
    config = configured({"tagging": "synthetic", "separation": "synthetic", "unused": "folder"})
    assert report.about(config, {"tagging": 1420, "separation": 40}) == (
        "There are no recordings in this run: the pipeline composed all its music. The run is small (the "
        "study's numbers in brackets): 1,460 tracks (over 100,000), 100 test excerpts as points of the "
        "spaces (1,000), 3 trials of each network (5), 4 channels in the first block of a network (16). "
        "So its verdicts are not the study's: they hold for this music and this size."
    )
    assert "This run is < small." in Page(build()).text


@pytest.mark.parametrize(
    ("sources", "sizes", "tracks", "words", "missing"),
    [
        ({"mine": "folder"}, {}, {"mine": 260}, ["on recordings: mine (source folder)"], "composed"),
        (
            {"mine": "folder", "separation": "synthetic"}, {}, {"mine": 260, "separation": 40},
            ["that the pipeline composed (separation) and on recordings: mine (source folder)", "300 tracks"],
            "no recordings",
        ),
        (
            {"msd": "msd", "irmas": "irmas"}, SIZES, {"msd": 102_161, "irmas": 6_705},
            ["as large as the study", "108,866 tracks"], "verdicts",
        ),
        ({"msd": "msd"}, SIZES | {"trials": 1}, {"msd": 102_161}, ["is small", "1 trial of"], "composed"),
        ({"fma": "fma"}, SIZES, {"fma": 106_574}, ["as large as the study", "verdicts are not"], "small"),
        ({"mine": "folder"}, {"encoders": ({"name": "own"},)}, {"mine": 1}, ["1 track (over"], "trials"),
        ({"mine": "folder"}, {"encoders": ("MFCC",)}, {"mine": 1}, ["3 trials"], "channels"),
    ],
)  # fmt: skip
def test_the_head_follows_from_the_configuration(sources, sizes, tracks, words, missing):
    text = report.about(configured(sources, **sizes), tracks)
    assert all(part in text for part in words)
    assert missing not in text


def test_the_page_needs_nothing_beside_itself():
    source = build()
    page = Page(source)
    assert "script" not in page.tags and "link" not in page.tags
    assert not re.search(r"https?://|url\(|@import", source)
    assert all(link.startswith("#") for link in page.links)
    for picture in page.pictures:
        kind, data = picture["src"].split(",")
        assert kind == "data:image/png;base64" and base64.b64decode(data) == PNG


def test_the_contents_lead_somewhere_and_pictures_have_words():
    page = Page(build())
    assert {link.removeprefix("#") for link in page.links} <= page.ids
    assert {"fig04", "fig10", "table01", "configuration"} <= page.ids
    assert [picture["alt"] for picture in page.pictures] == ["Figure 4: A title.", "Figure 10: A title."]


def test_figures_that_are_not_the_studys_have_no_number():
    figures = [report.Figure(name, PNG, f"**Of {name}.** Text.") for name in ("checks", "fig11", "mixed")]
    source = build(figures=figures)
    page = Page(source)
    assert [picture["alt"] for picture in page.pictures] == [
        "Figure 11: Of fig11.",
        "Figure: Of checks.",
        "Figure: Of mixed.",
    ]
    assert {"figures", "further", "fig11", "checks", "mixed"} <= page.ids
    assert set(page.links) >= {"#further", "#checks", "#mixed"}
    assert "<span>Figure</span>Of checks." in source and '<a href="#checks">Of checks</a>' in source
    assert "further" not in Page(build()).ids and "#checks" not in Page(build()).links


def test_findings_are_listed_with_their_verdicts_and_parts():
    source = build()
    text = " ".join(Page(source).text.split())
    assert "Of the study's ten findings: 1 supported, 1 contradicted." in text
    assert "Of 1 further sentences of the paper: 1 not decided by this run." in text
    assert (
        "1 First. Finding, section 5.2 first − gravest Study falls This run 0.250 [0.125, 0.375] "
        "Additive model 0.300 [0.200, 0.400] a rule supported All 2 parts" in text
    )
    assert (
        "2 Second & last. Finding, section 5.1 F / F Study 0.84 This run 1.016 another rule contradicted "
        "3 Third. Further sentence of the paper, section 6.2" in text
    )
    assert "This run – needs the space AT not decided by this run" in text
    assert "first − gravest falls 0.250 [0.125, 0.375] [0.200, 0.400] supported" in text
    assert "second − gravest falls 0.500 [0.400, 0.600] supported" in text
    assert "IR − VS 0.208 0.000 [−0.100, 0.100] not decided by this run" in text
    assert re.findall(r'class="verdict (\w+)"', source) == ["good", "bad", "open"]
    # A rule stands once above the parts that share it
    assert text.count("a rule:") == 1 and text.count("a third rule:") == 1
    assert {"finding1", "finding2", "finding3"} <= Page(source).ids


def test_models_are_told_with_what_they_say():
    text = " ".join(Page(build()).text.split())
    assert "task performance 3,760 0.980 237.8 3,522.2 1 of 2 (50 %)" in text
    assert "share their excerpts" in text
    assert (
        "consistency within the latent spaces (cosine) 1,974 not fitted: no such luck: add magnitudes" in text
    )
    assert "encoder 1, 3,522.2 12,898 < .0001 task × encoder 3, 3,522.2 0.6512 .5818" in text
    assert "encoder VGG 0.840 0.008 [0.824, 0.856] MFCC −0.520 0.009 [−0.538, −0.502]" in text
    assert "0.987" not in text, "a mean of an interaction"
    assert "encoder VGG over MFCC 1.360 0.012 113.300 < .0001 [1.336, 1.384]" in text
    assert "lead of VGG over MFCC AE over VS 1.500 0.020 75.000 .0312 [1.400, 1.600]" in text
    assert "PS × AE × VGG 8.900 9 0.520 < .0001" in text and "TS × AE" not in text
    assert "#model-performance" in Page(build()).links and "model-within_cosine" not in build()


def test_the_mixed_models_answer_their_question():
    text = " ".join(Page(build()).text.split())
    assert "Do the spaces still differ" in text
    assert "Holm's correction: 1 of 1" in text
    assert "MFCC 0.740 0.010 12.3 [0.720, 0.760]" in text
    assert "AE over MFCC −0.570 −28.500 4.5 .0002 [−0.610, −0.530]" in text
    assert "excerpt 0.01000 0.005000 to 0.02000 25 %" in text
    assert "Consistency within the latent spaces (cosine) Not fitted. the optimiser gave up" in text
    assert "Consistency within the latent spaces (Euclidean): 1 of 1 pairs differ" in text
    # Without a component of networks it says nothing of others
    assert "1 of 1, for these networks." in text
    trial = pd.DataFrame(
        [("within_euclidean", "trial", 0.01, 0.0, 0.1)], columns=STATISTICS["mixed_variances"].columns
    )
    both = pd.concat([STATISTICS["mixed_variances"], trial])
    assert "for these networks" not in build(statistics=STATISTICS | {"mixed_variances": both})
    table = STATISTICS["mixed_differences"].assign(p=0.05)
    assert "Holm's correction: 0 of 1" in build(statistics=STATISTICS | {"mixed_differences": table})


def test_the_report_says_how_far_pygam_is_from_reml():
    text = " ".join(Page(build()).text.split())
    assert "are fitted by our own restricted maximum likelihood (REML)." in text
    assert "no F differs by more than 8e-10 of itself and no marginal mean by more than 4e-09" in text
    assert "task performance 0.980 0.981 3,522.2 3,485.5 −2.0 % task × encoder 0.0001" in text
    text = Page(build(config={"statistics": {"backend": "pygam"}})).text
    assert "are fitted by pygam." in text and "fitted by our own" not in text
    without = {name: table for name, table in STATISTICS.items() if name != "backends"}
    assert "pygam" not in Page(build(statistics=without, config={})).text


def test_without_findings_and_models_there_is_no_section_of_them():
    empty = {name: table.head(0) for name, table in STATISTICS.items()}
    for nothing in (empty, {}):
        page = Page(build(claims=CLAIMS.head(0), evidence=EVIDENCE.head(0), statistics=nothing))
        assert not {"findings", "models"} & page.ids
        assert {link.removeprefix("#") for link in page.links} <= page.ids
    assert "findings" not in Page(build(claims=pd.DataFrame(), evidence=pd.DataFrame())).ids
    mixed = {name: table for name, table in STATISTICS.items() if name.startswith("mixed")}
    text = Page(build(statistics=mixed)).text
    assert "Do the spaces still differ" in text and "Additive model of" not in text
    rest = {name: table for name, table in STATISTICS.items() if not name.startswith("mixed")}
    assert "Do the spaces still differ" not in Page(build(statistics=rest)).text


def test_real_findings_can_be_shown():
    claims, evidence = evaluate({}, draws=10, level=0.95, seed=0)
    text = " ".join(Page(build(claims=claims, evidence=evidence)).text.split())
    assert "ten findings: 10 not decided by this run." in text and "All 28 parts" in text
    assert "7 further sentences of the paper: 7 not decided by this run." in text
    assert all(statement in text for statement in claims["statement"])


def test_untrained_networks_are_shown_beside_finding_17():
    """They are among its parts too, but the line that decides does not show them."""
    loudness = {"VS": [0.56, 0.45, 0.46], "untrained": [0.24, 0.59, 0.46]}
    scores = pd.DataFrame(
        [
            (space, trial, "loudness of neighbours", value, value - 0.1, value + 0.1, 0.0)
            for space, values in loudness.items()
            for trial, value in enumerate(values)
        ],
        columns=["space", "trial", "measure", "value", "lower", "upper", "chance"],
    )
    claims, evidence = evaluate({"songs_scores": scores}, draws=10, level=0.95, seed=0)
    text = " ".join(Page(build(claims=claims, evidence=evidence)).text.split())
    _, text = text.split("Beside it, deciding nothing:")
    beside, _ = text.split("All 7 parts")
    assert "lead of VS over untrained networks" in beside and "0.060 [−0.3" in beside
    for trial, value in enumerate(loudness["untrained"]):
        assert f"untrained {trial}: {value:.3f} [" in beside
    empty, parts = evaluate({}, draws=10, level=0.95, seed=0)
    assert "Beside it, deciding nothing:" not in build(claims=empty, evidence=parts)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (report.decimals(-0.0004), "0.000"),
        (report.decimals(-1.2345), "−1.234"),
        (report.decimals(float("nan")), "–"),
        (report.interval((-1, 2)), "[−1.000, 2.000]"),
        (report.interval((float("nan"), float("nan"))), ""),
        (report.significant(12898.4), "12,898"),
        (report.significant(1087.06), "1,087"),
        (report.significant(466.04), "466.0"),
        (report.significant(0.0123456), "0.01235"),
        (report.significant(0), "0"),
        (report.degrees(4), "4"),
        (report.degrees(1793.24), "1,793.2"),
        (report.degrees(92.98), "93.0"),
        (report.probability(0.03124), ".0312"),
        (report.probability(0.00009), "< .0001"),
        (report.probability(1.0), "1.0000"),
        (report.probability(float("nan")), "–"),
        (words.model("performance"), "task performance"),
        (words.model("within_cosine"), "consistency within the latent spaces (cosine)"),
        (words.model("agreement_dtw_euclidean"), "agreement with the audio space (DTW, Euclidean)"),
        (
            words.model("study_within_cosine"),
            "consistency within the latent spaces (cosine), the study's spaces alone",
        ),
        (
            words.model("correlation_by_excerpt_dtw_cosine"),
            "correlation with the audio space, one an excerpt (DTW, cosine)",
        ),
        (
            words.model("correlation_dtw_euclidean_less_cosine"),
            "how much larger the correlation with the audio space (DTW) is under the Euclidean distance than "
            "under the cosine",
        ),
    ],
)
def test_numbers_and_models_are_written_for_reading(shown, words):
    assert shown == words


def test_the_same_run_gives_the_same_page():
    assert build() == build()


def test_a_run_without_tasks_has_no_scores_and_no_table():
    nothing = pd.DataFrame(columns=["corpus", "file", "reason"])
    page = Page(build(scores=scores([]), tables=[], skipped=nothing, notes=nothing))
    assert not {"scores", "tables"} & page.ids
    assert "every file was read" in page.text and "Used with a note" not in page.text


def test_the_page_counts_what_was_left_out_as_the_same_audio():
    reasons = ["the same audio as a.mp3, which is in test", "silent", "the same audio as b.mp3"]
    skipped = pd.DataFrame({"corpus": ["mine", "mine", "other"], "file": list("xyz"), "reason": reasons})
    text = Page(build(skipped=skipped)).text
    assert "mine: 1 of these is the same audio as another track." in text
    assert "x the same audio as a.mp3, which is in test" in text
    assert "other: 1 of these" in text
    assert "same audio" not in Page(build()).text


def test_shares_of_time_add_up():
    assert re.findall(r"(\d+) %</td>", build(statistics={})) == ["75", "25"]
    nothing = pd.DataFrame(columns=["stage", "jobs", "seconds", "max_rss_mb"])
    assert "0.0 s" in Page(build(stages=nothing)).text


def test_networks_stand_beside_all_that_they_are_compared_with():
    lower, higher = report.compare(scores())
    assert (lower["performance"], lower["trials"]) == (pytest.approx(0.5), [0.4, 0.6])
    assert lower["steps"] == [{"number": 300, "cut_off": True}, {"number": 250, "cut_off": False}]

    def shown(row):
        return [(each["name"], each["wins"], each["losses"], each["of"]) for each in row["predictors"]]

    assert shown(lower) == [("mean spectrum", 2, 0, 2), ("own mean spectrum", 1, 1, 2)]
    assert [each["lead"] for each in lower["predictors"]] == pytest.approx([0.3, 0.0])
    # What has no number is no loss
    assert [row[1:] for row in shown(higher)] == [(0, 1, 1), (0, 0, 1), (0, 0, 0)]
    table = build().split('<section id="scores">')[1].split("</section>")[0]
    rows = re.findall("<tr>(.*?)</tr>", table, re.DOTALL)[1:]
    rows = [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]
    ends = [
        "0.300 better",
        "0.000 better in 1, worse in 1 of 2 trials",
        "−0.250 worse",
        "0.010 neither",
        "– –",
    ]
    assert all(row.endswith(end) for row, end in zip(rows, ends, strict=True))
    assert "0.400, 0.600 300, 250 flat steps" in rows[0]
    assert "−1.250" in rows[2] and "in all frames" in rows[1] and "one mask for all" in rows[3]


def test_scores_read_from_a_file_are_the_same(tmp_path):
    scores(SCORES[:-1]).to_csv(tmp_path / "scores.csv", index=False)
    assert report.compare(pd.read_csv(tmp_path / "scores.csv")) == report.compare(scores(SCORES[:-1]))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0.4 s"), (48.4, "48 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations(seconds, words):
    assert report.duration(seconds) == words


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_captions_are_complete(path):
    source = path.read_text()
    caption = report.caption(source)
    if report.number(path.stem):
        kind = "Figure" if path.stem.startswith("fig") else "Table"
        assert f"{kind} {report.number(path.stem)} of the study" in " ".join(caption.text.split())
    assert caption.title.endswith((".", "?")) and len(caption.title) < 80
    # Snakemake's own report reads a caption as a template first
    assert "{" not in source


def test_every_figure_and_table_has_a_caption():
    modules = (FOLDER.parent / "relatives" / "figures").glob("*.py")
    assert {path.stem for path in modules} - {"__init__", "style", "losses"} == {
        path.stem for path in CAPTIONS
    }


def test_a_caption_without_a_title_is_refused():
    with pytest.raises(InputError, match="in bold"):
        report.caption("A title. And text.")


def test_a_broken_caption_is_refused():
    with pytest.raises(InputError, match=r"'A title\.' is no reStructuredText"):
        report.caption("**A title.** And `a broken *role.")


def test_a_caption_cannot_read_files():
    with pytest.raises(InputError):
        report.caption("**A title.** Text.\n\n.. include:: /etc/hostname\n")
