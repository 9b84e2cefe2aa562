"""The report is one page that needs nothing else, tells every outcome it was given, and runs nothing it is told."""

import base64
import html.parser
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from themis import records
from themis.analysis import captions, inputs, leaderboard
from themis.analysis.accuracy import accuracy
from themis.analysis.report import SCRIPTS, write_report
from themis.errors import Problem
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

CRITERIA = [criterion.value for criterion in CODE_CRITERIA]
HOSTILE = "</script><script>alert(1)</script>&'\"|a_b"
SCORES = {"win": (2.0, 1.0), "tie": (1.0, 1.0), "loss": (1.0, 2.0), "missing": (None, None)}
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


def write(rows, path, schema):
    records.write(pl.DataFrame(rows, infer_schema_length=None).to_arrow(), path, schema)
    return path


def score_frame(models, n):
    """One row per model and pair, outcomes drawn with a fixed seed; a pair's id is its place."""
    source = np.random.default_rng(4)
    parts = []
    for model in models:
        outcome = source.choice(["win", "tie", "loss", "missing"], n, p=[0.6, 0.1, 0.25, 0.05])
        place = np.arange(n)
        parts.append(
            pl.DataFrame(
                {
                    "model": [model] * n,
                    "benchmark": ["b"] * n,
                    "id": [f"{i:05d}" for i in place],
                    "chosen_score": [SCORES[name][0] for name in outcome],
                    "rejected_score": [SCORES[name][1] for name in outcome],
                    "outcome": outcome,
                    "missing_reason": ["too long" if name == "missing" else None for name in outcome],
                    "truncated": [False] * n,
                    "prompt_mode": ["criterion"] * n,
                    "aspect": [CRITERIA[i % 5] for i in place],
                    "language": [list(LANGUAGES)[i % 8] for i in place],
                    "subset": [f"S{i % 3}" for i in place],
                }
            )
        )
    return pl.concat(parts)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three models, one with a hostile name, on 83 pairs; a ledger; two figures."""
    folder = tmp_path_factory.mktemp("report")
    scores = score_frame(("Themis-RM-8B", "my-judge", HOSTILE), 83)
    write(scores.sample(fraction=1, shuffle=True, seed=1), folder / "crb.parquet", "scores")
    pairs = scores.filter(pl.col("model") == HOSTILE).select("id", "aspect", "language", "subset")
    shared = pairs.with_columns(
        prompt=pl.concat_str(pl.lit("p"), pl.col("id").cast(pl.Int64) // 3), chosen=pl.lit("x"), rejected=pl.lit("y")
    )
    write(shared, folder / "benchmark.parquet", "benchmark")
    ledger = records.Ledger("select")
    ledger.keep("all", 7)
    ledger.drop("merge commit", "all", 3)
    ledger.drop(HOSTILE, "all", 1)
    ledger.write(folder / "attrition.parquet")
    (folder / "figures").mkdir()
    for name in ("rq1_criteria.svg", "rq1_criteria.csv", "training.svg", "training.pdf", "other.csv"):
        (folder / "figures" / name).write_text(SVG)
    return folder


def paths(made):
    return {"crb": made / "crb.parquet", "figures": made / "figures"}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.links, self.text, self.scripts = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.text).append(data)


def numbers(column):
    raw = base64.b64decode(column["codes"])
    size = column["width"]
    return [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw), size)]


def outcomes(text, n):
    raw = base64.b64decode(text)
    return [("loss", "tie", "win", "missing")[raw[i // 4] >> 2 * (i % 4) & 3] for i in range(n)]


def test_the_page_holds_every_outcome_and_what_each_pair_is(made):
    scores = inputs.read_scores(made / "crb.parquet", made / "benchmark.parquet")
    data = json.loads(json.dumps(leaderboard.payload(scores)))
    assert {model["name"] for model in data["models"]} == set(scores["model"])
    for model in data["models"]:
        own = scores.filter(pl.col("model") == model["name"]).sort("id")
        assert outcomes(model["outcomes"], data["pairs"]) == own["outcome"].to_list()
    for by, column in data["columns"].items():
        assert [column["names"][code] for code in numbers(column)] == own[by].to_list()
    told = numbers(data["cluster"])
    assert len(set(told)) == len(set(zip(told, own["cluster"], strict=True))) == own["cluster"].n_unique() == 28


def test_numbers_that_do_not_fit_a_byte_take_two_or_four(made):
    scores = inputs.read_scores(made / "crb.parquet")
    own = scores.filter(pl.col("model") == HOSTILE)
    many = pl.concat([own.with_columns(id=pl.format("{}-{}", "id", pl.lit(part))) for part in range(4)])
    many = many.with_columns(cluster=pl.int_range(many.height, dtype=pl.Int64))
    told = leaderboard.payload(many)["cluster"]
    assert told["width"] == 2
    assert sorted(numbers(told)) == list(range(332))


def test_fifty_one_models_on_the_whole_benchmark_stay_small():
    scores = score_frame([f"a-model-with-a-long-name-{i}" for i in range(51)], 8866)
    scores = scores.with_columns(cluster=pl.col("id").cast(pl.Int64))
    assert len(json.dumps(leaderboard.payload(scores))) < 250_000


def test_facts_come_from_the_registry_and_are_unknown_elsewhere():
    known = leaderboard.facts("Themis-RM-8B")
    assert (known["family"], known["size"], known["kind"]) == ("Themis", 8, "scalar")
    mine = leaderboard.facts("my-judge")
    assert (mine["family"], mine["size"], mine["kind"], mine["hub"]) == ("my-judge", None, "unknown", None)


def test_scores_without_rows_are_refused(made):
    with pytest.raises(Problem, match="no rows"):
        leaderboard.payload(inputs.read_scores(made / "crb.parquet").clear())


def test_the_page_needs_nothing_else_and_is_the_same_each_time(made, tmp_path):
    out = tmp_path / "results" / "report.html"
    notebooks = [tmp_path / "results" / "notebooks" / "crb.html"]
    given = paths(made) | {"benchmark": made / "benchmark.parquet", "attrition": made / "attrition.parquet"}
    write_report(out, **given, notebooks=notebooks, command="make crb PROFILE=here")
    text = out.read_text()
    page = Page(text)
    assert not page.open
    inside = [link for link in page.links if link.startswith(("data:image/svg+xml;base64,", "#"))]
    assert sum(link.startswith("data:") for link in inside) == 2
    beside = [link for link in page.links if link not in inside]
    assert all((out.parent / link).resolve().is_file() for link in beside[:-1])
    assert [link.rpartition("/")[2] for link in beside] == [
        "rq1_criteria.svg", "rq1_criteria.csv", "training.svg", "training.pdf", "crb.html",
    ]  # fmt: skip
    assert "merge commit: 3" in text
    assert "make crb PROFILE=here" in text
    assert str(tmp_path) not in text and str(made) not in text
    first = out.read_bytes()
    write_report(out, **given, notebooks=notebooks, command="make crb PROFILE=here")
    assert out.read_bytes() == first


def test_a_hostile_name_is_text_wherever_it_stands(made, tmp_path):
    write_report(tmp_path / "report.html", **paths(made), attrition=made / "attrition.parquet")
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert HOSTILE not in text
    assert page.tags.count("script") == 2
    assert "".join(page.text).count(HOSTILE) >= 2  # the static table, the ledger
    assert HOSTILE in {model["name"] for model in json.loads(page.scripts[0])["models"]}


def test_the_script_is_what_its_files_say_and_writes_no_markup(made, tmp_path):
    write_report(tmp_path / "report.html", **paths(made))
    script = Page((tmp_path / "report.html").read_text()).scripts[1]
    folder = Path(leaderboard.__file__).parent / "templates" / "leaderboard"
    assert sorted(SCRIPTS) == sorted(path.stem for path in folder.glob("*.js"))
    for name in SCRIPTS:
        assert (folder / f"{name}.js").read_text().strip() in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(|XMLHttp", script)


def test_readers_without_scripts_see_both_accuracies_of_every_model(made, tmp_path):
    write_report(tmp_path / "report.html", **paths(made), benchmark=made / "benchmark.parquet")
    text = (tmp_path / "report.html").read_text()
    static = text[text.index("<noscript>") : text.index("</noscript>")]
    table = accuracy(inputs.read_scores(made / "crb.parquet"), "aspect").filter(pl.col("group") == "overall")
    for row in table.iter_rows(named=True):
        shown = f'<td class="number">{row["half_credit"]:.1%}</td><td class="number">{row["strict"]:.1%}</td>'
        assert shown in static
    assert static.count("<tr>") == 4


def test_without_a_ledger_and_figures_their_sections_are_left_out(made, tmp_path):
    write_report(tmp_path / "report.html", crb=made / "crb.parquet", figures=tmp_path / "none")
    text = (tmp_path / "report.html").read_text()
    assert "Attrition ledger" not in text
    assert "<figure" not in text
    write_report(tmp_path / "report.html", **paths(made), attrition=made / "attrition.parquet")
    text = (tmp_path / "report.html").read_text()
    assert '<h2 id="ledger">Attrition ledger</h2>' in text
    assert text.index("figure-rq1_criteria") < text.index("figure-training") < text.index('id="ledger"')


def test_pairs_with_one_prompt_are_put_together(made, tmp_path):
    write_report(tmp_path / "report.html", **paths(made), benchmark=made / "benchmark.parquet")
    data = json.loads(Page((tmp_path / "report.html").read_text()).scripts[0])
    prompts = numbers(data["cluster"])
    assert all((prompts[i] == prompts[j]) == (i // 3 == j // 3) for i in range(83) for j in range(83))


def test_a_figure_without_a_caption_is_refused(made, tmp_path):
    (tmp_path / "unheard_of.svg").write_text(SVG)
    with pytest.raises(Problem, match=r"unheard_of.*captions\.yaml"):
        write_report(tmp_path / "report.html", crb=made / "crb.parquet", figures=tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_every_caption_has_a_section_and_is_one_sentence():
    known = captions.captions()
    for stem, shown in (*known["figures"].items(), *known["tables"].items()):
        assert shown["section"] in known["sections"], stem
        assert re.fullmatch(r"[A-Z][^.]*\.", shown["caption"]), stem
    assert {figure["section"] for figure in known["figures"].values()} == set(known["sections"])
