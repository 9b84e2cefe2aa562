"""Selected pairs: every row left out has its reason, and neither order nor the other rows decide which are kept."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from themis import records
from themis.errors import Problem
from themis.prompting.chat import Chat
from themis.train import data
from themis.train.selection import Selection, select
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

ROWS = [
    {
        "idx": f"row{i:03}", "aspect": CODE_CRITERIA[i % 5], "language": list(LANGUAGES)[i % 8], "input": f"Write {i}",
        "system": "Be brief." if i % 2 else None, "chosen": "ret a", "rejected": "ret b", "source": "test",
    }
    for i in range(120)
]  # fmt: skip


def _table(rows):
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in ROWS[0]]))


def test_rows_in_are_rows_selected_and_rows_left_out_by_reason():
    criteria, languages = ("security_hardness", "memory_efficiency"), ("C", "Go")
    kept, left_out = select(_table(ROWS), Selection(criteria, languages, max_pairs=5))
    right = [row for row in ROWS if row["aspect"] in criteria]
    both = [row for row in right if row["language"] in languages]
    assert len(both) > 5
    assert left_out == {"other criterion": 120 - len(right), "other language": len(right) - len(both),
                        "over the cap": len(both) - 5}  # fmt: skip
    assert kept.num_rows == 5 and all(row in both for row in kept.to_pylist())


def test_nothing_asked_for_leaves_nothing_out():
    kept, left_out = select(_table(ROWS), Selection(seed=3, max_pairs=120))
    assert kept.to_pylist() == ROWS and left_out == {}


def test_the_cap_keeps_the_same_pairs_in_any_order_and_fewer_under_a_lower_cap():
    def kept(rows, cap, seed=1):
        return {row["idx"] for row in select(_table(rows), Selection(max_pairs=cap, seed=seed))[0].to_pylist()}

    shuffled = random.Random(0).sample(ROWS, len(ROWS))
    assert kept(ROWS, 40) == kept(shuffled, 40) and len(kept(ROWS, 40)) == 40
    assert kept(ROWS, 20) < kept(ROWS, 40)
    assert kept(ROWS, 40) != kept(ROWS, 40, seed=2)
    assert kept(ROWS, 40) != {row["idx"] for row in ROWS[:40]}


def test_without_system_prompts_only_they_are_gone():
    kept, left_out = select(_table(ROWS), Selection(system=False))
    assert kept.to_pylist() == [{**row, "system": None} for row in ROWS] and left_out == {}


def test_the_tokens_and_the_ledger_are_those_of_the_selection(tmp_path, make_base):
    base = make_base(tmp_path / "base")
    records.write(_table(ROWS), tmp_path / "code.parquet", "preferences")
    selection = Selection(("security_hardness",), system=False)
    path = tmp_path / "tokens.arrow"
    data.write_cache(tmp_path / "code.parquet", base, 200, path, selection)
    pairs = data.open_cache(path)
    assert pairs.rows == [row["idx"] for row in ROWS if row["aspect"] == "security_hardness"]
    (row,) = pairs.ledger("train-x", "m").table().to_pylist()
    assert (row["rows_in"], row["rows_kept"], row["reason"], row["rows_dropped"]) == (120, 24, "other criterion", 96)
    assert ROWS[3]["system"] is not None and pairs.rows[0] == "row003"
    assert pairs.ids[: pairs.prompt[0]].tolist() == Chat.load(base).prompt(None, ROWS[3]["input"])

    before = path.read_bytes()
    for same in (Selection(("security_hardness",), system=False, seed=9), selection):
        data.write_cache(tmp_path / "code.parquet", base, 200, path, same)
        assert path.read_bytes() == before
    for other in (Selection(("security_hardness",)), Selection(max_pairs=7, seed=1), Selection(max_pairs=7, seed=2)):
        data.write_cache(tmp_path / "code.parquet", base, 200, path, other)
        assert path.read_bytes() != before
        before = path.read_bytes()


def test_a_selection_of_no_pair_says_why(tmp_path, make_base):
    base = make_base(tmp_path / "base")
    records.write(_table(ROWS), tmp_path / "code.parquet", "preferences")
    with pytest.raises(Problem, match=r"no pair to train on \(120 other language\)"):
        data.tokenize(tmp_path / "code.parquet", Chat.load(base), 200, Selection(languages=("Rust",)))


def test_a_stage_trains_on_its_selection(tmp_path, make_base, make_options):
    from themis.train.train import train

    base = make_base(tmp_path / "base")
    records.write(_table(ROWS), tmp_path / "code.parquet", "preferences")
    options = make_options(
        tmp_path, tmp_path / "code.parquet", base, epochs=1, criteria=("security_hardness",), max_pairs=6, batch_pairs=3
    )
    assert train(options)
    ledger = records.read(options.ledger, "attrition").to_pylist()
    assert {row["reason"]: row["rows_dropped"] for row in ledger} == {"other criterion": 96, "over the cap": 18}
    assert max(filter(None, records.read(options.metrics, "metrics")["step"].to_pylist())) == 2
