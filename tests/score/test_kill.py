"""Killed ten times while scoring, a run ends in the bytes of one left alone, and scores no pair twice or never."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import replace

from themis.score.head_scorer import HeadScorer
from themis.score.runner import score

KILLS, BEGUN, KEY = 10, 3, 64  # kills, batches begun before each, letters of a batch's key


def start(benchmark, folder, checkpoint, name):
    """A process that scores a benchmark, made by forking, so that it has everything loaded; it writes the key of each
    batch to the pipe before it computes it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            compute = HeadScorer._compute

            def told(self, batch):
                os.write(writer, self._key(batch).encode())
                return compute(self, batch)

            HeadScorer._compute = told
            score(benchmark, folder / f"{name}.parquet", folder / f"{name}.ledger", name="m", checkpoint=checkpoint,
                  family="sequence_classifier", batch_tokens=150, cache=folder / f"{name}.jsonl")  # fmt: skip
        finally:
            os._exit(0)
    os.close(writer)
    return child, open(reader, "rb")  # noqa: PTH123


def begun(child, pipe, most):
    """The keys of the batches that the process begins, killed in the midst of the last where there are `most`."""
    keys = []
    with pipe:
        while (most is None or len(keys) < most) and (key := pipe.read(KEY)):
            keys.append(key.decode())
        if most is not None:
            assert len(keys) == most, "it ended by itself"
            os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return keys


def kept(cache):
    """The batches whose scores are on disk, and how many pairs each has."""
    lines = cache.read_bytes().splitlines(keepends=True) if cache.exists() else []
    entries = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return [(entry["key"], len(entry["scores"])) for entry in entries]


def test_a_run_killed_ten_times_scores_every_pair_once(make_folder, write_benchmark, pairs, tmp_path):
    many = [
        replace(pair, id=f"{pair.id}.{copy}", prompt=f"{copy} {pair.prompt}") for pair in pairs for copy in range(9)
    ]
    benchmark, checkpoint = write_benchmark(many), make_folder()
    batches = begun(*start(benchmark, tmp_path, checkpoint, "whole"), None)
    assert len(batches) == len(set(batches)) > KILLS * BEGUN

    cache, computed = tmp_path / "killed.jsonl", Counter()
    for number in range(1, KILLS + 1):
        before = {key for key, _ in kept(cache)}
        keys = begun(*start(benchmark, tmp_path, checkpoint, "killed"), BEGUN)
        assert not before & set(keys), "a batch whose scores were on disk was computed again"
        computed.update(keys)
        assert len(kept(cache)) >= number * (BEGUN - 1), "at most the batch under way is lost"
        assert not (tmp_path / "killed.parquet").exists()
    before = {key for key, _ in kept(cache)}
    rest = begun(*start(benchmark, tmp_path, checkpoint, "killed"), None)
    assert not before & set(rest)
    computed.update(rest)
    assert set(computed) == set(batches)
    assert computed.total() <= len(batches) + KILLS

    lines = kept(cache)
    assert len({key for key, _ in lines}) == len(lines) == len(batches)
    assert sum(size for _, size in lines) == len(many)
    for end in ("parquet", "ledger"):
        assert (tmp_path / f"killed.{end}").read_bytes() == (tmp_path / f"whole.{end}").read_bytes()
