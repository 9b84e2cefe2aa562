"""Every candidate gets the score it gets alone, whatever stands beside it; what is missing is its own fault."""

import json

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from themis.cli import app
from themis.errors import Problem
from themis.records import SCHEMAS, gather_shards, read, write
from themis.score.families import scorer_for
from themis.score.protocol import Pair, PairScore
from themis.score.rerank import rerank, rewards_of
from themis.vocabulary import Criterion


def candidates(completions, question="q"):
    return [
        {
            "question": question, "prompt": f"write {question}", "language": "Python", "id": f"{question}.{at}",
            "completion": text, "source": "mutant", "edits": 1, "passed": at, "failed": 2, "verdict": False,
        }
        for at, text in enumerate(completions)
    ]  # fmt: skip


ROWS = [
    *candidates([f"def f(): return {at}" + " # a" * (at % 4) for at in range(7)]),
    *candidates(["def g(): pass", "def g(): return 1"], "r"),
    *candidates(["def h(): pass"], "s"),
]


def table(rows):
    return pa.Table.from_pylist(rows, SCHEMAS["rerank_set"])


@pytest.fixture
def write_set(tmp_path):
    def make(rows, name="set"):
        write(table(rows), tmp_path / f"{name}.parquet", "rerank_set")
        return tmp_path / f"{name}.parquet"

    return make


def alone(row):
    return Pair(row["id"], row["prompt"], row["completion"], row["completion"], Criterion.FUNCTIONAL_CORRECTNESS)


def test_a_candidates_score_is_what_it_gets_alone(make_folder, write_set, tmp_path):
    folder = make_folder()
    options = {"name": "m", "family": "sequence_classifier", "checkpoint": folder, "batch_tokens": 256}
    found = rerank(write_set(ROWS), tmp_path / "out.parquet", tmp_path / "ledger.parquet", **options)
    assert found.select(["question", "id"]).to_pylist() == sorted(
        ({"question": row["question"], "id": row["id"]} for row in ROWS), key=lambda row: (row["question"], row["id"])
    )
    scorer = scorer_for("sequence_classifier", name="m", checkpoint=folder, prompt_mode="criterion", max_tokens=4096,
                        batch_tokens=256, dtype="float32", threads=1, seed=0, cache=None)  # fmt: skip
    expected = {key: score.chosen for key, score in scorer.score([alone(row) for row in ROWS])}
    scores = dict(zip(*(found.column(name).to_pylist() for name in ("id", "score")), strict=True))
    assert scores == pytest.approx(expected, abs=1e-5) and len(set(scores.values())) > 5

    again = rerank(write_set(ROWS[::-1]), tmp_path / "again.parquet", tmp_path / "ledger.parquet", **options)
    assert again == found
    assert read(tmp_path / "ledger.parquet", "attrition").to_pylist() == [
        {"stage": "rerank-m", "scope": "candidates", "rows_in": 10, "rows_kept": 10, "reason": None, "rows_dropped": 0}
    ]
    manifest = json.loads((tmp_path / "out.json").read_text())
    assert manifest["counts"] == {"candidates": 10, "truncated": 0, "missing": {}}
    assert manifest["benchmark"]["name"] == "set" and manifest["weights"]


def test_no_candidate_pays_for_its_neighbour(make_folder, write_set, tmp_path):
    rows = candidates(["def f(): return 1", "def f(): return 1 <|im_end|>", "def f(): return 2", "def f(): return 3"])
    options = {"name": "m", "family": "sequence_classifier", "checkpoint": make_folder()}
    out = tmp_path / "out.parquet"
    with pytest.raises(Problem, match=r"no score for 1 of 4 candidates \(1 special token in the text\)"):
        rerank(write_set(rows), out, tmp_path / "ledger.parquet", **options)
    assert not out.exists() and not out.with_suffix(".json").exists()
    found = rerank(write_set(rows), out, tmp_path / "ledger.parquet", allow_missing=True, **options).to_pylist()
    assert [row["score"] is None for row in found] == [False, True, False, False]
    assert [row["missing_reason"] for row in found] == [None, "special token in the text", None, None]
    counts = read(tmp_path / "ledger.parquet", "attrition").to_pylist()
    assert [(row["rows_in"], row["rows_kept"], row["reason"], row["rows_dropped"]) for row in counts] == [
        (4, 3, "special token in the text", 1)
    ]
    manifest = json.loads(out.with_suffix(".json").read_text())
    assert manifest["counts"] == {"candidates": 4, "truncated": 0, "missing": {"special token in the text": 1}}


class Cutting:
    """Scores a length, and says of pairs with a long response that it was cut."""

    def __init__(self):
        self.asked = []

    def score(self, pairs):
        for pair in pairs:
            self.asked.append((len(pair.chosen), len(pair.rejected)))
            sides = (float(len(pair.chosen)), float(len(pair.rejected)))
            yield pair.id, PairScore(*sides, truncated=max(sides) > 4)


def test_only_what_was_cut_by_itself_counts_as_cut():
    scorer = Cutting()
    found = rewards_of(scorer, table(candidates(["aa", "aaaaaa", "b", "bb"])), name="m", prompt_mode="none").to_pylist()
    assert [(row["score"], row["truncated"]) for row in found] == [(2, False), (6, True), (1, False), (2, False)]
    assert scorer.asked == [(2, 6), (1, 2), (2, 2), (6, 6)]  # neighbours first, then those of the pair that was cut


def test_neighbours_are_alike_and_of_one_prompt():
    rows = candidates(["x", "y = 1", "x = 1", "y"])
    scorer = Cutting()
    rewards_of(scorer, table(rows), name="m", prompt_mode="none")
    assert scorer.asked[:2] == [(1, 5), (1, 5)]  # x beside x = 1, and y beside y = 1

    other = [row | {"prompt": row["id"]} for row in candidates(["ab", "abc"])]
    scorer = Cutting()
    found = rewards_of(scorer, table(other), name="m", prompt_mode="none").to_pylist()
    assert [row["score"] for row in found] == [2, 3]
    assert scorer.asked == [(2, 2), (3, 3)]  # each by itself, after its own prompt


def test_baselines_judge_every_candidate_by_itself(write_set, tmp_path):
    found = {
        family: rerank(write_set(ROWS), tmp_path / "o.parquet", tmp_path / "l", name=family, family=family)
        for family in ("length", "random")
    }
    by_id = {row["id"]: row["completion"] for row in ROWS}
    for row in found["length"].to_pylist():
        assert row["score"] == len(by_id[row["id"]])
    draws = found["random"].column("score").to_pylist()
    assert len(set(draws)) == len(ROWS) and all(0 <= draw < 1 for draw in draws)


def test_what_can_not_be_ranked_is_said_before_a_model_is_loaded(write_set, tmp_path):
    out, ledger = tmp_path / "out.parquet", tmp_path / "ledger.parquet"
    with pytest.raises(Problem, match="family judge compares two responses"):
        rerank(write_set(ROWS), out, ledger, name="j", family="judge", checkpoint=tmp_path)
    for rows, words in (([], "no candidates"), ([*ROWS, ROWS[0]], "id q.0 comes twice")):
        with pytest.raises(Problem, match=words):
            rerank(write_set(rows), out, ledger, name="m", family="length")
    assert not out.exists()


def test_the_commands_score_and_gather(write_set, tmp_path):
    path = write_set(ROWS)
    for name in ("random", "length"):
        arguments = ["rerank", path, tmp_path / f"{name}.parquet", "--name", name, "--family", name,
                     "--ledger", tmp_path / "ledger.parquet", "--prompt-mode", "none"]  # fmt: skip
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
    parts = [tmp_path / "random.parquet", tmp_path / "length.parquet"]
    gather_shards(parts, tmp_path / "all.parquet", "rerank")
    rows = read(tmp_path / "all.parquet", "rerank").to_pylist()
    keys = [(row["model"], row["question"], row["id"]) for row in rows]
    assert keys == sorted(keys) and len(keys) == 20 and {row["prompt_mode"] for row in rows} == {"none"}
    with pytest.raises(Problem, match="twice"):
        gather_shards([parts[0], parts[0]], tmp_path / "all.parquet", "rerank")
