"""Every benchmark row appears once with its outcome, and a table with holes is written only when asked for."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from themis.cli import app
from themis.errors import Problem
from themis.records import SCHEMAS, read, write
from themis.score.gather import gather_scores
from themis.score.protocol import PairScore
from themis.score.runner import score, scores_of


class Fixed:
    """Answers from a dictionary."""

    def __init__(self, answers):
        self.answers = answers

    def score(self, pairs):
        yield from self.answers.items()


def test_win_tie_loss_and_missing_are_kept_apart(write_benchmark, pairs):
    benchmark = read(write_benchmark(pairs[:4][::-1]), "benchmark")
    answers = {
        "row01": PairScore.of(-1.0, -1.0),
        "row00": PairScore.of(0.0, -0.5),
        "row03": PairScore.of(float("nan"), 3.0),
        "row02": PairScore.of(1.0, 1.0000001),
    }
    table = scores_of(Fixed(answers), benchmark, name="m", benchmark="b", prompt_mode="none")
    assert table.column("id").to_pylist() == ["row00", "row01", "row02", "row03"]
    assert table.column("outcome").to_pylist() == ["win", "tie", "loss", "missing"]
    assert table.column("chosen_score").to_pylist() == [0.0, -1.0, 1.0, None]
    assert table.column("rejected_score").to_pylist()[3] is None
    assert table.column("missing_reason").to_pylist() == [None, None, None, "not a number"]
    assert table.column("aspect").to_pylist() == [str(pair.criterion) for pair in pairs[:4]]

    del answers["row02"]
    with pytest.raises(RuntimeError, match="3 of 4"):
        scores_of(Fixed(answers), benchmark, name="m", benchmark="b", prompt_mode="none")


def test_an_answer_too_many_and_a_criterion_that_is_none_are_errors(write_benchmark, pairs):
    benchmark = read(write_benchmark(pairs[:2]), "benchmark")

    class Twice(Fixed):
        def score(self, pairs):
            yield from [*self.answers.items(), *self.answers.items()]

    answers = {pair.id: PairScore.of(1.0, 0.0) for pair in pairs[:2]}
    with pytest.raises(RuntimeError, match="answered pair row00 twice"):
        scores_of(Twice(answers), benchmark, name="m", benchmark="b", prompt_mode="none")
    column = benchmark.schema.get_field_index("aspect")
    odd = benchmark.set_column(column, "aspect", pa.array(["taste"] * 2))
    with pytest.raises(Problem, match="benchmark b: aspect taste is none of"):
        scores_of(Fixed(answers), odd, name="m", benchmark="b", prompt_mode="none")


def test_a_cut_pair_is_marked_and_an_empty_shard_is_an_empty_table(write_benchmark, pairs, tmp_path):
    benchmark = read(write_benchmark(pairs[:2]), "benchmark")
    answers = {"row00": PairScore(1.0, 0.0, truncated=True), "row01": PairScore(1.0, 0.0)}
    table = scores_of(Fixed(answers), benchmark, name="m", benchmark="b", prompt_mode="none")
    assert table.column("truncated").to_pylist() == [True, False]
    path = write_benchmark(pairs[:1], "one")
    sizes = [
        score(path, tmp_path / "o", tmp_path / "l", name="m", family="length", shard=shard, shards=3).num_rows
        for shard in range(3)
    ]
    assert sorted(sizes) == [0, 0, 1]


def test_a_missing_score_stops_the_step_before_anything_is_written(make_folder, write_benchmark, pairs, tmp_path):
    forged = replace(pairs[0], id="zz", chosen="<|im_end|>")
    benchmark, out, ledger = write_benchmark([*pairs, forged]), tmp_path / "out.parquet", tmp_path / "ledger.parquet"
    options = {"name": "m", "family": "sequence_classifier", "checkpoint": make_folder()}
    with pytest.raises(Problem, match=r"1 of 10 pairs \(1 special token in the text\)"):
        score(benchmark, out, ledger, **options)
    assert not out.exists() and not ledger.exists()

    score(benchmark, out, ledger, allow_missing=True, **options)
    assert read(out, "scores").column("outcome").to_pylist().count("missing") == 1
    assert read(ledger, "attrition").to_pylist() == [
        {"stage": "score-m", "scope": "tiny", "rows_in": 10, "rows_kept": 9, "reason": "special token in the text",
         "rows_dropped": 1}
    ]  # fmt: skip


def test_baselines_are_chance_and_length(write_benchmark, pairs, tmp_path):
    many = [replace(pairs[0], id=f"id{index}") for index in range(2000)]
    benchmark = write_benchmark([*many, *pairs])
    tables = {
        (family, seed): score(benchmark, tmp_path / "o", tmp_path / "l", name="b", family=family, seed=seed)
        for family in ("random", "length") for seed in (1, 2)
    }  # fmt: skip
    outcomes = tables["random", 1].column("outcome").to_pylist()
    assert 0.46 < outcomes.count("win") / len(outcomes) < 0.54  # three and a half standard errors
    draws = tables["random", 1].column("chosen_score").to_pylist()
    assert statistics.mean(draws) == pytest.approx(0.5, abs=0.03) and min(draws) >= 0 and max(draws) < 1
    assert tables["random", 1].column("chosen_score") != tables["random", 2].column("chosen_score")
    assert tables["length", 1] == tables["length", 2]
    shuffled = score(write_benchmark([*pairs[::-1], *many[::-1]]), tmp_path / "o", tmp_path / "l", name="b",
                     family="random", seed=1)  # fmt: skip
    assert shuffled == tables["random", 1]

    by_id = {row["id"]: row for row in tables["length", 1].to_pylist()}
    for pair in pairs:
        assert (by_id[pair.id]["chosen_score"], by_id[pair.id]["rejected_score"]) == (
            len(pair.chosen), len(pair.rejected)
        )  # fmt: skip


def test_a_bad_request_is_one_line(make_folder, write_benchmark, pairs, tmp_path):
    benchmark = write_benchmark(pairs)
    for options, words in (
        ({"family": "oracle"}, "family oracle"),
        ({"family": "judge"}, "needs a checkpoint"),
        ({"family": "length", "checkpoint": tmp_path}, "takes no checkpoint"),
        ({"family": "length", "prompt_mode": "some"}, "prompt mode some"),
        ({"family": "sequence_classifier", "checkpoint": tmp_path / "nowhere"}, "nowhere"),
        ({"family": "untrained_head", "checkpoint": make_folder(causal=True), "dtype": "int4"}, "int4"),
    ):
        with pytest.raises(Problem, match=words):
            score(benchmark, tmp_path / "o", tmp_path / "l", name="m", **options)
    for rows, words in (([], "no pairs"), ([*pairs, pairs[2]], "row02 comes twice")):
        with pytest.raises(Problem, match=words):
            score(write_benchmark(rows, "bad"), tmp_path / "o", tmp_path / "l", name="m", family="length")
    assert not (tmp_path / "o").exists()


def test_the_commands_score_and_gather(make_folder, write_benchmark, pairs, tmp_path):
    benchmark, folder = write_benchmark(pairs), make_folder(causal=True)
    models = {"untrained": ["untrained_head", "--checkpoint", folder], "random": ["random"], "length": ["length"]}
    for name, (family, *rest) in models.items():
        arguments = ["score", benchmark, tmp_path / f"{name}.parquet", "--name", name, "--family", family,
                     "--ledger", tmp_path / f"{name}.ledger", "--cache", tmp_path / f"{name}.jsonl", *rest]  # fmt: skip
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
    order = ["length", "untrained", "random"]
    arguments = ["gather-scores", tmp_path / "crb.parquet", *(tmp_path / f"{name}.parquet" for name in order)]
    assert CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False).exit_code == 0
    rows = read(tmp_path / "crb.parquet", "scores").select(["model", "benchmark", "id"]).to_pylist()
    ids = sorted(pair.id for pair in pairs)
    assert [tuple(row.values()) for row in rows] == [(name, "tiny", row) for name in order for row in ids]


def test_models_of_different_pairs_are_not_gathered(write_benchmark, pairs, tmp_path):
    def scored(name, rows, file):
        out = tmp_path / f"{file}.parquet"
        score(write_benchmark(rows), out, tmp_path / "ledger", name=name, family="random")
        return out

    first = scored("one", pairs, "first")
    edited = [replace(pairs[0], chosen="other"), *pairs[1:]]
    relabelled = [replace(pairs[0], criterion=pairs[1].criterion), *pairs[1:]]
    for other, words in (
        (scored("two", pairs[:-1], "fewer"), "row08"),
        (scored("two", edited, "edited"), "another version"),
        (scored("two", relabelled, "relabelled"), "another version"),
        (scored("one", pairs, "again"), "already"),
    ):
        with pytest.raises(Problem, match=words):
            gather_scores([first, other], tmp_path / "crb.parquet")
    assert not (tmp_path / "crb.parquet").exists()

    both = tmp_path / "both.parquet"
    tables = [read(scored(name, pairs, name), "scores") for name in ("two", "three")]
    write(pa.concat_tables(tables).cast(SCHEMAS["scores"]), both, "scores")
    with pytest.raises(Problem, match="2 models"):
        gather_scores([first, both], tmp_path / "crb.parquet")


def test_scores_from_elsewhere_are_put_in_order_and_compared_by_their_labels(write_benchmark, pairs, tmp_path):
    benchmark = read(write_benchmark(pairs), "benchmark")
    answers = {pair.id: PairScore.of(1.0, 0.0) for pair in pairs}
    paths = {}
    for name, language in (("one", "Python"), ("two", "Python"), ("three", "Go")):
        column = benchmark.schema.get_field_index("language")
        labelled = benchmark.set_column(column, "language", pa.array([language] * len(pairs)))
        table = scores_of(Fixed(answers), labelled, name=name, benchmark="b", prompt_mode="none")
        paths[name] = tmp_path / f"{name}.parquet"
        write(table.take(list(range(len(table)))[::-1]), paths[name], "scores")
    gathered = gather_scores([paths["one"], paths["two"]], tmp_path / "crb.parquet")
    assert gathered.column("id").to_pylist() == sorted(answers) * 2
    with pytest.raises(Problem, match="another version"):
        gather_scores([paths["one"], paths["three"]], tmp_path / "crb.parquet")
