"""The whole DAG on a small corpus: complete, accounted for, and nothing left to do."""

from __future__ import annotations

import itertools

import pyarrow.parquet as pq
import pytest

from tests.canaries import CANARY, told
from themis import records

pytestmark = pytest.mark.chain


def test_every_model_has_one_row_per_benchmark_pair(finished):
    benchmark = records.read(finished.folder / "results/benchmark/crb_test.parquet", "benchmark")
    crb = records.read(finished.folder / "results/crb.parquet", "scores").to_pylist()
    ids = set(benchmark["id"].to_pylist())
    assert len(ids) == benchmark.num_rows > 0
    models = {row["model"] for row in crb}
    assert models == {"themis-test", "untrained", "judge", "length", "random"}
    for model in models:
        rows = [row for row in crb if row["model"] == model]
        assert len(rows) == len(ids)
        assert {row["id"] for row in rows} == ids
    for row in crb:
        difference = None if row["missing_reason"] else row["chosen_score"] - row["rejected_score"]
        expected = "missing" if difference is None else "win" if difference > 0 else "loss" if difference < 0 else "tie"
        assert row["outcome"] == expected


def test_rows_in_are_kept_or_dropped_and_go_on_to_the_next_stage(finished):
    ledger = records.read(finished.folder / "results/attrition.parquet", "attrition").to_pylist()
    total: dict[str, dict[str, int]] = {}
    for stage, scope in {(row["stage"], row["scope"]) for row in ledger}:
        rows = [row for row in ledger if (row["stage"], row["scope"]) == (stage, scope)]
        assert rows[0]["rows_in"] == rows[0]["rows_kept"] + sum(row["rows_dropped"] for row in rows)
        counts = total.setdefault(stage, {"in": 0, "kept": 0})
        counts["in"] += rows[0]["rows_in"]
        counts["kept"] += rows[0]["rows_kept"]
    chain = ["mine", "select", "retrieve", "deduplicate", "aspects", "review"]
    for before, after in itertools.pairwise(chain):
        assert total[before]["kept"] == total[after]["in"] > 0, (before, after)
    folder = finished.folder / "results"
    assert total["mine"]["in"] == pq.read_metadata(folder / "warehouse/commits.parquet").num_rows
    assert total["mine"]["kept"] == pq.read_metadata(folder / "commits/mined.parquet").num_rows
    collected = {row["scope"]: row for row in ledger if row["stage"] == "collect"}
    accepted = records.read(folder / "contents/accepted.parquet", "labelled", ["split"])["split"].to_pylist()
    assert collected["commits"]["rows_in"] == collected["mutants"]["rows_in"] == accepted.count("train") > 0
    for name, sources in (("code", ("commits", "mutants")), ("general", ("humaneval", "instructions"))):
        assembled = {row["scope"]: row for row in ledger if row["stage"] == f"assemble_{name}"}
        assert set(assembled) == set(sources)
        for source in sources:
            assert collected[source]["rows_kept"] == assembled[source]["rows_in"] > 0
        assert total[f"assemble_{name}"]["kept"] == pq.read_metadata(folder / f"preferences/{name}.parquet").num_rows
    assert total["assemble_code"]["kept"] == total["train-preference"]["in"]
    assert total["assemble_general"]["kept"] == total["train-pretraining"]["in"]
    assert total["benchmark"]["kept"] == pq.read_metadata(folder / "benchmark/crb_test.parquet").num_rows


def test_nothing_of_the_benchmark_is_in_training(finished):
    folder = finished.folder / "results"
    accepted = {row["id"]: row for row in records.read(folder / "contents/accepted.parquet", "labelled").to_pylist()}
    code = records.read(folder / "preferences/code.parquet", "preferences").to_pylist()
    assert code
    assert {row["source"] for row in code} == {"commits", "mutants"}
    trained = {name for row in code for name in accepted[row["idx"].partition(":")[2]]["repositories"]}
    held_out = {name for row in accepted.values() if row["split"] == "benchmark" for name in row["repositories"]}
    assert held_out
    assert trained.isdisjoint(held_out)

    def runs(texts):
        import re

        for text in texts:
            words = re.findall(r"[a-z0-9_]+", text.lower())
            yield from (tuple(words[i : i + 13]) for i in range(len(words) - 12))

    pairs = records.read(folder / "benchmark/crb_test.parquet", "benchmark").to_pylist()
    for ours, theirs in ((("input",), ("prompt",)), (("chosen", "rejected"), ("chosen", "rejected"))):
        seen = set(runs(row[name] for row in pairs for name in theirs))
        for row in code:
            assert seen.isdisjoint(runs(row[name] for name in ours)), row["idx"]


def test_nothing_is_left_to_do(finished):
    said = finished.run("-n", "results/crb.parquet", "results/report.html").stdout
    assert "Nothing to be done" in said


def test_the_exported_model_is_a_standard_sequence_classifier(finished):
    import torch
    from transformers import AutoModelForSequenceClassification

    folder = finished.folder / "results/models/themis-test/preference/export"
    model, loading = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    assert model.score.weight.shape == (1, model.config.hidden_size)
    assert torch.isfinite(model.score.weight).all()
    assert model.score.weight.abs().sum() > 0


def test_no_secret_of_the_user_is_in_a_file_or_a_command_line(watched):
    assert told(watched.workspace.folder) == []
    assert CANARY not in watched.said
    # They were seen at work.
    assert {"train", "score", "judge", "build-benchmark"} <= watched.words
    assert not [word for word in watched.words if CANARY in word]
