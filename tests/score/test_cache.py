"""A run that was killed goes on to the same bytes and computes no finished batch again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from themis.errors import Problem
from themis.score.options import ScorerOptions
from themis.score.runner import score
from themis.score.sequence_classifier import load


class Counting:
    """Counts forward passes."""

    def __init__(self, backbone):
        self.backbone, self.calls = backbone, 0
        self.device, self.dtype, self.config = backbone.device, backbone.dtype, backbone.config

    def __call__(self, **arguments):
        self.calls += 1
        return self.backbone(**arguments)


def counted(folder, cache, **options):
    scorer = load(ScorerOptions(name="m", checkpoint=folder, batch_tokens=500, cache=cache, **options))
    scorer.backbone = Counting(scorer.backbone)
    return scorer


def test_a_killed_run_resumes_to_the_same_bytes(make_folder, write_benchmark, pairs, tmp_path):
    folder, benchmark = make_folder(), write_benchmark(pairs)
    options = {"name": "m", "family": "sequence_classifier", "checkpoint": folder, "batch_tokens": 500}
    score(benchmark, tmp_path / "straight.parquet", tmp_path / "l1", cache=tmp_path / "whole.jsonl", **options)

    lines = (tmp_path / "whole.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) > 3
    killed = tmp_path / "killed.jsonl"
    killed.write_bytes(b"".join(lines[:2]) + lines[2][: len(lines[2]) // 2])
    score(benchmark, tmp_path / "resumed.parquet", tmp_path / "l2", cache=killed, **options)
    assert (tmp_path / "resumed.parquet").read_bytes() == (tmp_path / "straight.parquet").read_bytes()
    assert killed.read_bytes() == b"".join(lines), "the cut line is gone and its batch computed anew"

    scorer = counted(folder, killed)
    list(scorer.score(pairs))
    assert scorer.backbone.calls == 0


def test_what_changes_a_score_is_not_found_in_the_cache(make_folder, pairs, tmp_path):
    folder, cache = make_folder(), tmp_path / "cache.jsonl"
    scorer = counted(folder, cache)
    first = dict(scorer.score(pairs))
    batches = scorer.backbone.calls

    edited = [replace(pairs[0], chosen=pairs[0].chosen[:-1] + "!"), *pairs[1:]]  # same lengths, other ids
    scorer = counted(folder, cache)
    assert dict(scorer.score(edited))["row00"] != first["row00"]
    assert 0 < scorer.backbone.calls < batches, "only the batches that hold the edited pair"

    for other in (counted(folder, cache, prompt_mode="all"),
                  counted(make_folder("qwen3", name="other"), cache)):  # fmt: skip
        list(other.score(pairs))
        assert other.backbone.calls > 1


def test_batches_do_not_depend_on_the_order_of_the_pairs(make_folder, pairs, tmp_path):
    twins = [
        replace(pairs[4], id=f"twin{index}", chosen=pairs[4].chosen.replace("4", str(index))) for index in range(9)
    ]
    folder, cache = make_folder(), tmp_path / "cache.jsonl"
    forward = dict(counted(folder, cache).score(twins))
    scorer = counted(folder, cache)
    assert dict(scorer.score(twins[::-1])) == forward
    assert scorer.backbone.calls == 0, "pairs of one length went into other batches"


def test_a_file_that_is_no_cache_is_refused(make_folder, tmp_path):
    cache = tmp_path / "notes.txt"
    cache.write_text("dear diary\n")
    with pytest.raises(Problem, match=r"notes\.txt: line 1"):
        counted(make_folder(), cache)
    assert cache.read_text() == "dear diary\n"
