"""The paper's tables: recomputed figures are what counting gives, quoted ones are marked, and the two never mix."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from themis.analysis.paper_benchmark import SUBSETS
from themis.analysis.paper_tables import paper_tables, save_tables
from themis.analysis.printed import hyperparameters, printed
from themis.errors import Problem
from themis.vocabulary import ABSENT, PUBLISHED_LANGUAGES

REFERENCE = Path(__file__).parents[3] / "shared/reference"
RUNS = REFERENCE / "published_runs"

WRONG = {("RUNBUGRUN", "Cpp"): 501, ("COMMITPREFS_SECURITY", "Ruby"): 154}  # what the score files hold
NUMBERS = ["1", "2", "3", "4", "5", "7", "8", "9", "10"]


def benchmark():
    """(id, aspect, language, subset) of 8,866 pairs distributed as the paper's."""
    pairs = []
    for subset, language, count in printed().filter(table="1").select("row", "column", "printed").iter_rows():
        aspect = str(SUBSETS[subset][0])
        for place in range(WRONG.get((subset, language), int(count))):
            name = PUBLISHED_LANGUAGES.get(language, language)
            pairs.append((f"{subset}_{language}_{place:04d}", aspect, name, subset))
    return pairs


def outcome(model, pair):
    return ("win", "win", "tie", "loss")[hashlib.sha256(f"{model}{pair}".encode()).digest()[0] % 4]


def frame(models, pairs, name="crb"):
    """Made-up scores: three in four pairs are not tied, of those two in three won."""
    scores = {"win": (2.0, 1.0), "tie": (1.0, 1.0), "loss": (1.0, 2.0)}
    rows = [
        (model, name, pair, *scores[outcome(model, pair)], outcome(model, pair), None, "criterion", *labels)
        for model in models
        for pair, *labels in pairs
    ]
    columns = ["model", "benchmark", "id", "chosen_score", "rejected_score", "outcome", "missing_reason"]
    columns += ["prompt_mode", "aspect", "language", "subset"]
    return pl.DataFrame(rows, columns, orient="row", schema_overrides={"missing_reason": pl.String})


@pytest.fixture(scope="module")
def scores():
    """Two of the paper's models and one of ours, out of the paper's order."""
    return frame(["mine", "Themis-RM-8B", "AceMath-72B-RM"], benchmark())


@pytest.fixture(scope="module")
def tables(scores):
    return paper_tables(scores)


def rows_of(table):
    return list(dict.fromkeys(table.cells["row"]))


def cell(table, row, column):
    (found,) = table.cells.filter(row=row, column=column).to_dicts()
    return found


def test_every_table_is_there_in_the_papers_order(tables):
    assert list(tables) == NUMBERS
    for number, table in tables.items():
        assert table.number == number and table.title and table.notes
        assert set(table.cells["source"]) <= {"recomputed", "quoted"}
        assert table.shown.null_count().sum_horizontal().item() == 0
    for number in ("2", "3", "4", "7", "8", "9", "10"):
        paper = printed().filter(pl.col("table").is_in([number, f"{number} ablation"]))
        order = list(dict.fromkeys(paper["row"]))
        assert [row for row in rows_of(tables[number]) if row != "mine"] == order
        assert tables[number].shown.width == 2 + paper["column"].n_unique()
    assert tables["2"].shown.columns[2:5] == ["Average", "Functional correctness", "Runtime efficiency"]
    assert tables["3"].shown.columns[2:6] == ["Average", "C", "C#", "C++"]


def test_a_model_with_scores_is_recomputed_and_one_without_is_quoted(tables):
    pairs = [(pair, outcome("Themis-RM-8B", pair)) for pair, *_ in benchmark() if pair.startswith("MDEVAL")]
    found = cell(tables["7"], "Themis-RM-8B", "MDEVAL")
    assert found["value"] == pytest.approx(100 * sum(result == "win" for _, result in pairs) / len(pairs), abs=1e-9)
    assert (found["source"], found["n"]) == ("recomputed", 134)
    assert found["printed"] == printed().filter(table="7", row="Themis-RM-8B", column="MDEVAL")["printed"].item()
    other = cell(tables["7"], "Themis-RM-4B", "MDEVAL")
    assert (other["source"], other["value"], other["n"]) == ("quoted", other["printed"], None)
    shown = {row["Model"]: row for row in tables["7"].shown.to_dicts()}
    assert shown["Themis-RM-4B"]["MDEVAL"] == f"{other['printed']:.2f}†"
    assert shown["Themis-RM-8B"]["MDEVAL"] == f"{found['value']:.2f}"
    assert any(note.startswith("†") and "49 of the paper's 51 models" in note for note in tables["7"].notes)


def test_a_model_the_paper_lacks_follows_its_own_under_a_heading(tables):
    names = tables["2"].shown["Model"].to_list()
    assert names[0] == "Qwen2.5-Math-RM-72B" and names[50] == "SkyworkV2-Qwen-0.6B"
    assert names[51:54] == ["Further models of this study", "mine", "Ablations of the paper"]
    assert tables["2"].cells.filter(row="mine")["printed"].null_count() == 6
    assert len(names) == 51 + 2 + 1 + 10
    ablations = tables["2"].cells.filter(pl.col("row").str.starts_with("Themis-RM-8B "))
    assert set(ablations["source"]) == {"quoted"} and ablations.height == 60


def test_tables_without_input_are_quoted_whole(tables):
    for number, height in (("4", 171), ("10", 57)):
        cells = tables[number].cells
        assert set(cells["source"]) == {"quoted"} and cells.height == height
        assert cells["value"].equals(cells["printed"])
    shown = tables["4"].shown.filter(Model="Athene-RM-70B").to_dicts()[0]
    assert (shown["Hits@10 C++"], shown["RankCorr@40 C++"]) == ("24.88†", "-0.0567†")


def test_the_two_wrong_counts_of_table_1_are_marked_and_no_others(tables):
    shown = tables["1"].shown
    marked = [text for row in shown.rows() for text in row if "printed" in text]
    assert marked == ["501 (printed 504)", "154 (printed 206)"]
    differ = tables["1"].cells.filter(pl.col("value") != pl.col("printed")).select("row", "column").rows()
    assert differ == list(WRONG)
    totals = {row["Criterion and subset"]: row["Total"] for row in shown.to_dicts()}
    assert totals["Functional correctness"] == "4,778" and totals["Total"] == "8,866" and len(totals) == 19 + 5 + 1
    by_language = dict(tables["1"].cells.filter(row="Total").select("column", "value").iter_rows())
    assert by_language == {**Counter(_published(language) for _, _, language, _ in benchmark()), "Total": 8866}
    assert any("8,921" in note for note in tables["1"].notes)


def _published(language):
    return {name: key for key, name in PUBLISHED_LANGUAGES.items()}.get(language, language)


def test_missing_is_wrong_but_a_pair_the_run_lacks_does_not_count(scores):
    won = scores.filter(model="Themis-RM-8B", subset="SECBENCH", outcome="win")["id"].to_list()
    assert len(won) >= 3
    here = pl.col("model") == "Themis-RM-8B"
    lost, absent = here & (pl.col("id") == won[0]), here & (pl.col("id") == won[1])
    changed = scores.with_columns(
        outcome=pl.when(lost | absent).then(pl.lit("missing")).otherwise("outcome"),
        missing_reason=pl.when(lost).then(pl.lit("score is not a number")).when(absent).then(pl.lit(ABSENT)),
    )
    tables = paper_tables(changed)
    found = cell(tables["9"], "Themis-RM-8B", "SECBENCH")
    assert found["n"] == 13 and found["value"] == pytest.approx(100 * (len(won) - 2) / 13)
    assert cell(tables["2"], "Themis-RM-8B", "Average")["n"] == 8865
    assert any("Themis-RM-8B: 1" in note for note in tables["9"].notes)


def test_another_benchmark_stands_apart_and_replaces_nothing():
    pairs = [("a", "functional_correctness", "Go", "MDEVAL"), ("b", "security_hardness", "C", "OURS")]
    scores = frame(["mine", "Themis-RM-8B"], pairs, "demo")
    tables = paper_tables(scores)
    for number, n in (("2", 2), ("3", 2), ("7", 1), ("9", 1)):
        names = tables[number].shown["Model"].to_list()
        assert names[:4] == [f"This study, on demo: n = {n}", "Themis-RM-8B", "mine", "The paper's models, on CRB"]
        own = tables[number].cells.filter(benchmark="demo")
        assert set(own["row"]) == {"mine", "Themis-RM-8B"} and set(own["source"]) == {"recomputed"}
        assert own["printed"].null_count() == own.height
        paper = tables[number].cells.filter(benchmark="CRB")
        assert set(paper["source"]) == {"quoted"} and paper["value"].equals(paper["printed"])
        assert paper["row"].n_unique() >= 51
    own = tables["9"].shown.filter(Model="mine").to_dicts()[0]
    assert own["OURS"] == ("100.00" if outcome("mine", "b") == "win" else "0.00") and own["VUL4J"] == "–"
    assert tables["8"].shown["Model"][0] == "The paper's models, on CRB"
    assert any("no pairs of these criteria" in note for note in tables["8"].notes)
    assert all(any("demo" in note for note in tables[number].notes) for number in ("1", "2", "3", "7", "8", "9"))
    counts = tables["1"].shown["Criterion and subset"].to_list()
    assert counts[0] == "This study, on demo: n = 2" and counts[6:8] == [
        "The paper's CRB, as printed",
        "Functional correctness",
    ]
    assert "504†" in tables["1"].shown["C++"].to_list()


def test_one_pair_fewer_is_another_benchmark(scores):
    nearly = scores.filter(pl.col("id") != "VUL4J_Java_0000")
    assert set(paper_tables(nearly)["2"].cells.filter(benchmark="CRB")["source"]) == {"quoted"}


def test_scores_that_cannot_be_read_are_a_problem(scores):
    for wrong, said in ((scores.clear(), "no rows"), (scores.drop("subset"), "no column subset")):
        with pytest.raises(Problem, match=said):
            paper_tables(wrong)


def test_order_of_rows_and_models_in_the_scores_does_not_matter(scores, tables, tmp_path):
    save_tables(tables, tmp_path / "a")
    save_tables(paper_tables(scores.sample(fraction=1.0, shuffle=True, seed=1)), tmp_path / "b")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_tables_on_disk_hold_every_cell_and_every_note(tables, tmp_path):
    save_tables(tables, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        f"table_{n}.{e}" for n in NUMBERS for e in ("csv", "md", "tex")
    }
    for number, table in tables.items():
        assert pl.read_csv(tmp_path / f"table_{number}.csv").height == table.cells.height
        text = (tmp_path / f"table_{number}.md").read_text()
        lines = text.splitlines()
        drawn = [place for place, line in enumerate(lines) if line.startswith("|")]
        assert len(drawn) == table.shown.height + 2 and table.title in lines[0]
        assert all(lines.index(f"- {note}") > drawn[-1] for note in table.notes)
        tex = (tmp_path / f"table_{number}.tex").read_text()
        assert tex.index(r"\end{tabular}") < tex.index(r"\footnotesize") and tex.count("{") == tex.count("}")
        assert ("†" in text) == ("†" in tex)
    assert r"internlm2-1\_8-b-reward" in (tmp_path / "table_9.tex").read_text()


def test_hyperparameters_are_the_papers():
    table = {(row["setting"], row["size"], row["stage"]): row["value"] for row in hyperparameters().to_dicts()}
    for setting, first, second in (
        ("Epochs", 2, 1), ("Peak learning rate", 2e-5, 1e-5), ("Terminal learning rate", 1e-5, 5e-7),
        ("Magnitude coefficient µ", 0.01, 0.001), ("Language-modelling coefficient λ", 0.4, 0.25),
        ("Gradient norm clip", 2.0, 1.5), ("Sequence length (tokens)", 2560, 4096), ("Global batch (pairs)", 1024, 512),
    ):  # fmt: skip
        stages = ("Pre-training", "Preference modelling")
        assert [float(table[setting, "", stage]) for stage in stages] == [first, second]
    gpus = [table["GPUs", size, "Preference modelling"] for size in ("0.6B", "1.7B", "4B", "8B", "14B", "32B")]
    assert gpus == ["8", "8", "16", "32", "64", "128"]
    table_5 = paper_tables(frame(["mine"], [("a", "functional_correctness", "Go", "S")]))["5"]
    assert table_5.cells["value"].to_list() == hyperparameters()["value"].to_list()


@pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"needs the printed tables in {REFERENCE}")
def test_printed_figures_are_the_references():
    with (REFERENCE / "printed_tables.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(*list(row.values())[:4], float(row["printed"])) for row in csv.DictReader(stream)]
    assert printed().rows() == rows and len(rows) == 2210


def test_published_runs_give_every_cell_of_the_accuracy_tables(published_scores):
    """Against plain counting from the score files, NaN and all, without a data frame."""
    tables = paper_tables(published_scores)
    counted = {}
    for file in sorted(RUNS.glob("*/scores.parquet")):
        names = ["chosen_score", "rejected_score", "aspect", "language", "subset"]
        columns = pq.read_table(file, columns=names).to_pydict()
        n, wins = Counter(), Counter()
        for chosen, rejected, *groups in zip(*(columns[name] for name in names), strict=True):
            won = chosen is not None and rejected is not None and chosen > rejected
            for group in ("Average", *groups):
                n[group] += 1
                wins[group] += won
        counted[file.parent.name] = {group: (100 * wins[group] / n[group], n[group]) for group in n}
    compared = 0
    for number in ("2", "3", "7", "8", "9"):
        for found in tables[number].cells.filter(source="recomputed").to_dicts():
            value, n = counted[found["row"]][found["column"]]
            assert (found["value"], found["n"]) == (pytest.approx(value, abs=1e-9), n)
            compared += 1
        assert "†" not in "".join(tables[number].shown.filter(pl.col("Size") != "").head(51).write_csv())
    assert compared == 1734
    assert any("internlm2-20b-reward: 4" in note for note in tables["2"].notes)
    assert [text for row in tables["1"].shown.rows() for text in row if "printed" in text] == [
        "501 (printed 504)",
        "154 (printed 206)",
    ]


def test_a_subset_of_several_criteria_has_a_row_in_each():
    rows = [
        {"model": "m", "benchmark": "b", "id": str(i), "chosen_score": 1.0, "rejected_score": 0.0, "outcome": "win",
         "missing_reason": None, "prompt_mode": "none", "aspect": aspect, "language": "C", "subset": "S", "cluster": i}
        for i, aspect in enumerate(["functional_correctness", "functional_correctness", "memory_efficiency"])
    ]  # fmt: skip
    cells = paper_tables(pl.DataFrame(rows, schema_overrides={"missing_reason": pl.String}))["1"].cells
    own = cells.filter(pl.col("source") == "recomputed", pl.col("column") == "C")
    counts = dict(own.select("row", "value").iter_rows())
    assert counts["S, Functional correctness"] == 2 and counts["S, Memory efficiency"] == 1
