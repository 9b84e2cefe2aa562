"""Notebooks are templates without outputs, and run on a small result set; bad parameters are said in a line."""

import ast
import re
from pathlib import Path

import nbformat
import polars as pl
import pyarrow as pa
import pytest

from themis import records
from themis.analysis import notebooks
from themis.analysis.captions import captions
from themis.analysis.measure import measure
from themis.errors import Problem
from themis.vocabulary import CODE_CRITERIA

# Half the pairs are won with half credit: 10 wins, 10 ties, 10 losses. 57 commits came in. What this study cannot show
# is said, or quoted.
SAID = {
    "rq1_criteria": "50.0%",
    "rq2_interference": "too few models, or too few criteria",
    "rq3_transfer": "Quoted from the paper, not measured here",
    "rq4_robustness": "neither sampled solutions with test results nor adversarial pairs",
    "explore_scores": "2 of 2 models give both responses the same score in more than one pair in a hundred",
    "explore_reranking": "2 questions, 8 candidates, of which 4 pass: themis-rm-135m ranks one that passes first in 100.0%",
    "tables": "No printed figure was compared",
    "explore_training": "(means of the first and the last quarter), 75.0% [59.8%, 85.8%] on 40 pairs held out.",
    "explore_commits": "Of 57 commits 40 (70.2%) were mined, and of these 24 (60.0%) selected: 16 for training, 8",
    "explore_contents": "Both contents of 24 of 24 (100.0%) selected commits could be read; 20 (83.3%) of these are left",
    "explore_aspects": "15 of 20 commits (75.0%) improve a criterion: 10 are reached by a search term and 5 by a classifier",
    "explore_preferences": "Pairs kept: 20 of 30 (code set). Of those that differ in length, chosen is the longer in 75%",
    "data": "57 commits",
    "tutorial_distributed_training": "One process and two take the same 8 steps",
}
FOLDER = Path(__file__).parents[2] / "notebooks"
TEMPLATES = sorted(FOLDER.glob("*.ipynb"))


def made_up_results(folder):
    """The files the notebooks read, under the paths of their defaults."""
    pairs = pl.DataFrame(
        {
            "id": [f"{i:02d}" for i in range(30)],
            "prompt": [f"p{i}" for i in range(30)],
            "chosen": ["x" * (1 + i % 4) for i in range(30)],
            "rejected": ["xx"] * 30,
            "aspect": [CODE_CRITERIA[i % 2].value for i in range(30)],
            "language": [("Go", "Python")[i % 3 == 0] for i in range(30)],
            "subset": ["S"] * 30,
        }
    )
    records.write(pairs.to_arrow(), folder / "benchmark/crb_demo.parquet", "benchmark")
    scores = [
        pairs.select(
            pl.lit(model).alias("model"),
            pl.lit("crb_demo").alias("benchmark"),
            "id",
            chosen_score=pl.lit(1.0),
            rejected_score=pl.Series([float((i + shift) % 3) for i in range(30)]),
            outcome=pl.Series([("win", "tie", "loss")[(i + shift) % 3] for i in range(30)]),
            missing_reason=pl.lit(None, pl.String),
            truncated=pl.lit(False),
            prompt_mode=pl.lit("criterion"),
        ).join(pairs.select("id", "aspect", "language", "subset"), on="id")
        for shift, model in enumerate(("themis-rm-135m", "length"))
    ]
    records.write(pl.concat(scores).to_arrow(), folder / "crb.parquet", "scores")
    measure(folder / "crb.parquet", folder / "measures", benchmark=folder / "benchmark/crb_demo.parquet", resamples=100)
    training = pairs.select(
        pl.lit(None, pl.String).alias("system"), pl.col("prompt").alias("input"), "chosen", "rejected", "language",
        "aspect", pl.lit("commits").alias("source"), pl.col("id").alias("idx"),
    )  # fmt: skip
    for name in ("code", "general"):
        records.write(training.to_arrow(), folder / f"preferences/{name}.parquet", "preferences")
    made_up_commits(folder)
    made_up_judgements(folder)
    made_up_aspects(folder)
    made_up_rewards(folder)
    for stage in ("pretraining", "preference"):
        numbers = [(metric, step, 0.5) for metric in ("loss", "accuracy") for step in range(1, 5)]
        if stage == "preference":
            numbers += [("held_out_accuracy", 4, 0.75), ("held_out_loss", 4, 0.6), ("held_out_pairs", None, 40.0)]
        rows = [(f"train-{stage}", "themis-rm-135m", *number) for number in numbers]
        metrics = pl.DataFrame(rows, schema=records.SCHEMAS["metrics"].names, orient="row").to_arrow()
        records.write(metrics, folder / f"metrics/themis-rm-135m.{stage}.parquet", "metrics")


def made_up_rewards(folder):
    """Two questions of four candidates, of which two pass: one model puts those first, one scores all alike."""
    told = {"language": "Python", "missing_reason": None, "truncated": False, "prompt_mode": "criterion"}
    rows = [
        {"model": model, "question": f"q{at // 4}", "id": f"{at}", "score": score(at), "verdict": at % 4 < 2}
        | {"passed": 3 - at % 4, "failed": at % 4, **told}
        for model, score in (("length", lambda at: 1.0), ("themis-rm-135m", lambda at: -float(at)))
        for at in range(8)
    ]
    records.write(pa.Table.from_pylist(rows, records.SCHEMAS["rerank"]), folder / "rerank.parquet", "rerank")


def made_up_aspects(folder):
    """The 20 commits kept so far, 10 of which a term reached and 5 a classifier; one of two classifiers is in use."""
    read = pl.read_parquet(folder / "contents/deduplicated.parquet").filter("kept").sort("id").with_row_index("at")
    aspects = (pl.when(pl.col("at") < 15).then(pl.lit("security_hardness")).alias("aspect"),)
    ways = pl.when(pl.col("at") < 10).then(pl.lit("term")).when(pl.col("at") < 15).then(pl.lit("classifier"))
    values = [pl.lit(0.25 + 0.5 * (c == "security_hardness")).alias(c.value) for c in CODE_CRITERIA]
    labelled = read.with_columns(
        *values, *aspects, ways.otherwise(pl.lit("none")).alias("reached"), kept=pl.col("at") < 9
    )
    records.write(labelled.drop("at").to_arrow(), folder / "aspects/labelled.parquet", "labelled")
    numbers = [
        ("security_hardness", "threshold", 0.6),
        ("security_hardness", "precision", 0.7),
        ("memory_efficiency", "threshold", None),
    ]
    metrics = [{"stage": "aspects", "subject": s, "metric": m, "value": v} for s, m, v in numbers]
    table = pa.Table.from_pylist(metrics, records.SCHEMAS["metrics"])
    records.write(table, folder / "aspects/metrics.parquet", "metrics")
    points = [
        {"criterion": c, "data": data, "threshold": t / 10, "precision": t / 10, "recall": 1 - t / 10}
        for c in ("security_hardness", "memory_efficiency")
        for data in ("held_out", "sample")
        for t in range(1, 10)
    ]
    table = pa.Table.from_pylist(points, records.SCHEMAS["curves"])
    records.write(table, folder / "aspects/curves.parquet", "curves")
    quality = {"criterion": "memory_efficiency", "terms": "ours", "half": "report", "measure": "recall", "commits": 9}
    quality |= {"part": 6, "value": 0.67, "low": 0.35, "high": 0.88}
    table = pa.Table.from_pylist([quality], records.SCHEMAS["term_quality"])
    records.write(table, folder / "aspects/term_quality.parquet", "term_quality")


def made_up_judgements(folder):
    """Ratings of one reviewer, what was counted of reviews and votes, and lengths before and after balancing."""
    reviews = [
        dict.fromkeys(records.SCHEMAS["reviews"].names)
        | {"id": f"{at}", "reviewer": "smollm2", "criterion": "c", "sample": 0, "rating": 1 + at % 5}
        for at in range(20)
    ]
    table = pa.Table.from_pylist(reviews, records.SCHEMAS["reviews"])
    records.write(table, folder / "reviews/smollm2.parquet", "reviews")
    numbers = {
        "review": [
            ("all", "pairs", 20),
            ("all", "kept", 12),
            ("all", "alpha_interval", None),
            ("smollm2", "rated", 20),
        ],
        "judge": [("smollm2", "votes", 40), ("smollm2", "position_bias", 0.8), ("all", "pairs", 20)],
    }
    for stage, rows in numbers.items():
        metrics = [
            {"stage": stage, "subject": subject, "metric": metric, "value": value} for subject, metric, value in rows
        ]
        table = pa.Table.from_pylist(metrics, records.SCHEMAS["metrics"])
        records.write(table, folder / f"metrics/{stage}.parquet", "metrics")
    for name in ("code", "general", "benchmark"):
        cell = {"set": name, "source": "S", "aspect": "security_hardness", "language": "Go"}
        counts = [
            {"moment": "before", "longer": 15, "equal": 1, "shorter": 5},
            {"moment": "after", "longer": 5, "equal": 1, "shorter": 5},
        ]
        table = pa.Table.from_pylist([cell | row for row in counts], records.SCHEMAS["lengths"])
        records.write(table, folder / f"metrics/lengths.{name}.parquet", "lengths")


def made_up_commits(folder):
    """57 commits, of which 40 are mined, 24 selected and read, and 20 kept; one repository writes markup."""
    commits = pl.DataFrame(
        {
            "id": [f"{i:02d}" for i in range(40)],
            "commit": [f"{i:040x}" for i in range(40)],
            "repository": [("<script>/a", "b/$c$")[i % 2] for i in range(40)],
            "license": ["mit"] * 40,
            "path": [("a.py", "<img src=x>.go", "README")[i % 3] for i in range(40)],
            "old_mode": [33188] * 40,
            "new_mode": [33188] * 40,
            "old_blob": ["0" * 40] * 40,
            "new_blob": ["1" * 40] * 40,
            "subject": [f"Fix <b>{i}</b>" for i in range(40)],
            "committed_at": [1_500_000_000 + i * 3_000_000 for i in range(40)],
        }
    ).with_columns(repositories=pl.concat_list("repository"), message="subject")
    records.write(commits.to_arrow(), folder / "commits/mined.parquet", "mined")
    selected = commits[:24].with_columns(
        language=pl.lit("Go"), split=pl.Series([("train", "train", "benchmark")[i % 3] for i in range(24)])
    )
    records.write(selected.to_arrow(), folder / "commits/selected.parquet", "selected")
    read = selected.with_columns(
        old_contents=pl.lit("a\n<script>old</script>\n"),
        new_contents=pl.lit("a\n<script>new</script>\nb\n"),
        encoding=pl.lit("utf-8"),
        cluster_id=pl.Series([f"{i if i > 4 else 0:02d}" for i in range(24)]),
        kept=pl.Series([i > 4 or not i for i in range(24)]),
    )
    records.write(read.to_arrow(), folder / "contents/deduplicated.parquet", "deduplicated")
    counts = [("mine", "all", 40, 17), ("select", "all", 24, 16)]
    counts += [("retrieve", split, rows, 0) for split, rows in (("benchmark", 8), ("train", 16))]
    counts += [
        ("deduplicate", "benchmark", 7, 1),
        ("deduplicate", "train", 13, 3),
        ("assemble_code", "commits", 20, 10),
    ]
    ledgers = []
    for stage, scope, kept, dropped in counts:
        ledger = records.Ledger(stage)
        ledger.keep(scope, kept)
        ledger.drop("because", scope, dropped)
        ledgers.append(folder / f"attrition/{stage}.{scope}.parquet")
        ledger.write(ledgers[-1])
    records.gather(ledgers, folder / "attrition.parquet")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_no_outputs_and_one_cell_of_parameters(path):
    notebook = notebooks.read(path)
    assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
    assert notebooks.defaults(path, notebook)
    # It reads and writes nothing but what its parameters name.
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []):
            strings = [node.value for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Constant)]
            assert not any("/" in text for text in strings if isinstance(text, str))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_page_needs_no_network(path, tmp_path, monkeypatch):
    made_up_results(tmp_path / "results")
    (tmp_path / "Snakefile").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")  # as when it is opened by hand: the root is found from there
    notebooks.run(path, tmp_path / "out.ipynb", tmp_path / "out.html")
    assert list((tmp_path / "notebooks").iterdir()) == []

    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    shown = [output for cell in executed.cells for output in cell.get("outputs", [])]
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    written = {file.stem: file for file in (tmp_path / "results/figures").glob("*.svg")}
    assert len(pictures) == len(written) >= (path.stem != "tables")
    for file in written.values():
        assert all(file.with_suffix(f".{form}").stat().st_size for form in ("pdf", "png", "csv"))
        assert file.stem in captions()["figures"]  # or the report would refuse it
    tables = list((tmp_path / "results/tables").glob("*"))
    assert {file.suffix for file in tables} in (set(), {".csv", ".md", ".tex"})
    assert len(tables) >= 3 * (path.stem in ("tables", "rq1_criteria", "rq3_transfer", "explore_commits"))
    answer = next(output["data"]["text/markdown"] for output in shown if "text/markdown" in output.get("data", {}))
    assert SAID[path.stem] in answer

    page = (tmp_path / "out.html").read_text()
    assert "<script" not in page and not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert page.count("data:image/png;base64,") == len(pictures)
    assert str(tmp_path) not in page + (tmp_path / "out.ipynb").read_text()


def template(path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_parameters_take_the_type_of_their_default(tmp_path):
    path = template(tmp_path / "t.ipynb", 'files = []\nseed = 0\nname = "x"')
    known = notebooks.defaults(path, notebooks.read(path))
    given = ["files=a", "seed=7", "files=b=c", "name=4"]
    assert notebooks.parse(path, known, given) == {"files": ["a", "b=c"], "seed": 7, "name": "4"}
    for wrong, said in (("sead=1", "no parameter sead; it has files, seed, name"), ("seed=x", "must be of type int")):
        with pytest.raises(Problem, match=said):
            notebooks.parse(path, known, [wrong])


def test_a_cell_that_fails_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = template(tmp_path / "t.ipynb", "seed = 0", "assert seed == 0", 'raise ValueError("no such\\nluck")')
    with pytest.raises(Problem, match=r"t\.ipynb: cell 3: ValueError: no such luck"):
        notebooks.run(path, tmp_path / "out.ipynb", tmp_path / "out.html", ["seed=0"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t.ipynb"]
