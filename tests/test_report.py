"""The report holds what it is given, opens without a network, and every caption can be read."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from relatives import report
from relatives.errors import InputError

FOLDER = Path(report.__file__).parents[1] / "report"
CAPTIONS = sorted(FOLDER.glob("*[0-9].rst"))
PNG = b"\x89PNG\r\n\x1a\n a picture"
SCORES = [
    ("AE", "VGG", 0, "mean squared error", "", 0.4),
    ("AE", "VGG", 1, "mean squared error", "", 0.6),
    ("AE", "VGG", 0, "mean squared error", "the mean spectrum", 0.8),
    ("AE", "VGG", 1, "mean squared error", "the mean spectrum", 0.8),
    ("AE", "VGG", 0, "mean squared error", "silence", 1.5),
    ("VS", "MFCC", 0, "SDR [dB]", "", -1.25),
    ("VS", "MFCC", 0, "SDR [dB]", "the mixture", -0.5),
    ("VS", "MFCC", 0, "SDR [dB]", "half the mixture", -0.9),
]


def scores(rows=SCORES):
    return pd.DataFrame(rows, columns=["task", "encoder", "trial", "measure", "trivial", "performance"])


def build(**changes):
    caption = "**A title.** What is *drawn*; 1 < 2.\nFigure 4 of the study.\n"
    parts = {
        "headline": {"magnitudes": "94", "wall time": "15 min 42 s"},
        "figures": [report.Figure("fig04", PNG, caption), report.Figure("fig10", PNG, caption)],
        "tables": [report.Table("table01", pd.DataFrame({"Layers": ["a & b"]}), caption)],
        "scores": scores(),
        "stages": pd.DataFrame(
            [("training", 16, 300.0, 1234.5), ("figures", 11, 100.0, float("nan"))],
            columns=["stage", "jobs", "seconds", "max_rss_mb"],
        ),
        "skipped": pd.DataFrame({"corpus": ["mine"], "file": ["a <b>.mp3"], "reason": ["truncated"]}),
        "versions": {"torch": "2.11.0"},
        "config": {"seed": 2019, "tasks": ["AE", "VS"]},
    }
    return report.build((FOLDER / "report.html.j2").read_text(), **(parts | changes))


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
        self.text += " " if tag in ("td", "th") else ""

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


def test_the_page_holds_what_it_is_given():
    text = " ".join(Page(build()).text.split())
    assert "94" in text and "15 min 42 s" in text and "1234 MB" in text
    assert "a & b" in text and "What is drawn; 1 < 2." in text
    assert "a <b>.mp3 truncated" in text and "torch 2.11.0" in text and "seed: 2019" in text
    assert "nan" not in text


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


def test_the_same_run_gives_the_same_page():
    assert build() == build()


def test_a_run_without_tasks_has_no_scores_and_no_table():
    nothing = pd.DataFrame(columns=["corpus", "file", "reason"])
    page = Page(build(scores=scores([]), tables=[], skipped=nothing))
    assert not {"scores", "tables"} & page.ids
    assert "every file was read" in page.text


def test_shares_of_time_add_up():
    assert re.findall(r"(\d+) %</td>", build()) == ["75", "25"]
    nothing = pd.DataFrame(columns=["stage", "jobs", "seconds", "max_rss_mb"])
    assert "0.0 s" in Page(build(stages=nothing)).text


def test_networks_stand_beside_their_best_trivial_predictor():
    lower, higher = report.compare(scores())
    assert (lower["performance"], lower["trials"]) == (pytest.approx(0.5), [0.4, 0.6])
    assert (lower["predictor"], lower["trivial"], lower["better"]) == ("the mean spectrum", 0.8, True)
    assert (higher["predictor"], higher["trivial"], higher["better"]) == ("the mixture", -0.5, False)
    assert "not better" in Page(build()).text and "−1.250" in Page(build()).text


def test_scores_read_from_a_file_are_the_same(tmp_path):
    scores().to_csv(tmp_path / "scores.csv", index=False)  # an empty name comes back as a missing one
    assert report.compare(pd.read_csv(tmp_path / "scores.csv")) == report.compare(scores())


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
    kind = "Figure" if path.stem.startswith("fig") else "Table"
    assert f"{kind} {report.number(path.stem)} of the study" in " ".join(caption.text.split())
    assert caption.title.endswith(".") and len(caption.title) < 80
    # Snakemake's own report reads a caption as a template first
    assert "{" not in source


def test_every_figure_and_table_has_a_caption():
    modules = (FOLDER.parent / "relatives" / "figures").glob("*[0-9].py")
    assert {path.stem for path in modules} == {path.stem for path in CAPTIONS}


def test_a_caption_without_a_title_is_refused():
    with pytest.raises(InputError, match="in bold"):
        report.caption("A title. And text.")


def test_a_broken_caption_is_refused():
    with pytest.raises(InputError, match=r"'A title\.' is no reStructuredText"):
        report.caption("**A title.** And `a broken *role.")


def test_a_caption_cannot_read_files():
    with pytest.raises(InputError):
        report.caption("**A title.** Text.\n\n.. include:: /etc/hostname\n")
