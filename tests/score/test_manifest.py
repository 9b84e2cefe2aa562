"""What a table was made with stands beside it, and the shards of a model are one table whatever their number."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from transformers import AutoTokenizer

from themis.errors import Problem
from themis.records import metadata, read
from themis.score.gather import gather_shards
from themis.score.manifest import manifest_path, template_digest
from themis.score.runner import score


def sharded(benchmark, folder, shards, **options):
    paths = []
    for shard in range(shards):
        paths.append(folder / f"{shard}-of-{shards}.parquet")
        score(benchmark, paths[-1], folder / "ledger", shard=shard, shards=shards, **options)
    return paths


def manifest(path):
    return json.loads(manifest_path(path).read_text())


@pytest.mark.parametrize("shards", [1, 3, 20])  # more shards than pairs: some are empty
def test_shards_put_together_are_the_table_that_one_run_writes(write_benchmark, pairs, tmp_path, shards):
    benchmark = write_benchmark(pairs[::-1])
    whole = tmp_path / "whole.parquet"
    score(benchmark, whole, tmp_path / "ledger", name="m", family="length")
    parts = sharded(benchmark, tmp_path, shards, name="m", family="length")
    assert sum(read(path, "scores").num_rows for path in parts) == len(pairs)
    gather_shards(benchmark, parts[::-1], tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == whole.read_bytes()

    made, alone = manifest(tmp_path / "out.parquet"), manifest(whole)
    assert made.pop("shards") == shards and alone.pop("shard") == "1 of 1"
    assert made.pop("hardware") == [alone.pop("hardware")]
    assert made == alone


def test_a_manifest_says_what_the_scores_were_made_with(make_folder, write_benchmark, pairs, tokenizer, tmp_path):
    forged = replace(pairs[0], id="zz", chosen="<|im_end|>")
    long = replace(pairs[0], id="zzz", chosen="x" * 900)
    benchmark, folder, out = write_benchmark([*pairs, forged, long]), make_folder(), tmp_path / "out.parquet"
    options = {"name": "m", "family": "sequence_classifier", "checkpoint": folder, "max_tokens": 400, "threads": 1,
               "truncation": "tail", "hub": "made/up", "revision": "abc", "allow_missing": True}  # fmt: skip
    table = score(benchmark, out, tmp_path / "ledger", **options)
    said = manifest(out)
    assert (said["model"], said["family"], said["hub"], said["revision"]) == (
        "m", "sequence_classifier", "made/up", "abc"
    )  # fmt: skip
    assert said["flags"] | {"max_tokens": 400, "truncation": "tail", "protocol": "exact", "dtype": "float32",
                            "prompt_mode": "criterion", "seed": 77} == said["flags"]  # fmt: skip
    assert said["benchmark"] == {"name": "tiny", "sha256": hashlib.sha256(benchmark.read_bytes()).hexdigest()}
    outcomes = table.column("outcome").to_pylist()
    assert said["counts"] == {"pairs": 11, **{word: outcomes.count(word) for word in ("win", "tie", "loss")},
                              "truncated": 1, "missing": {"special token in the text": 1}}  # fmt: skip
    assert table.column("truncated").to_pylist() == [False] * 10 + [True]
    assert {"python", "themis", "torch", "transformers"} <= set(said["versions"])
    assert said["hardware"]["threads"] == 1

    stored = AutoTokenizer.from_pretrained(folder).chat_template
    assert said["template"] == hashlib.sha256(stored.encode()).hexdigest()
    assert metadata(out)["weights"] == said["weights"] and len(said["weights"]) == 32
    other = make_folder(change=lambda model: model.score.weight.data.mul_(2), name="other")
    score(benchmark, out, tmp_path / "ledger", **options | {"checkpoint": other})
    assert manifest(out)["weights"] != said["weights"] and manifest(out)["template"] == said["template"]


def test_what_is_missing_in_any_shard_is_counted(make_folder, write_benchmark, pairs, tmp_path):
    forged = [replace(pair, id=f"forged {pair.id}", chosen="<|im_end|>") for pair in pairs]
    benchmark = write_benchmark([*pairs, *forged])
    options = {"name": "m", "family": "sequence_classifier", "checkpoint": make_folder(), "allow_missing": True}
    parts = sharded(benchmark, tmp_path, 3, **options)
    each = [manifest(path)["counts"]["missing"].get("special token in the text", 0) for path in parts]
    assert sum(count > 0 for count in each) > 1, "or nothing is put together"
    gather_shards(benchmark, parts, tmp_path / "out.parquet")
    assert manifest(tmp_path / "out.parquet")["counts"]["missing"] == {"special token in the text": len(pairs)}


def test_a_template_inside_the_tokenizers_settings_has_a_digest_too(tmp_path):
    assert template_digest(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": None}))
    assert template_digest(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ x }}"}))
    assert template_digest(tmp_path) == hashlib.sha256(b"{{ x }}").hexdigest()


def test_shards_of_other_settings_or_not_each_once_are_refused(write_benchmark, pairs, tmp_path):
    benchmark, out = write_benchmark(pairs), tmp_path / "out.parquet"
    parts = sharded(benchmark, tmp_path, 2, name="m", family="random", seed=1)
    (tmp_path / "other").mkdir()
    others = sharded(benchmark, tmp_path / "other", 2, name="m", family="random", seed=2)
    for shards, said in (
        ([parts[0], others[1]], "flags is not that of"),
        ([parts[0]], "hold . rows of . pairs, the benchmark has 9"),
        ([*parts, parts[0]], "give every shard once"),
    ):
        with pytest.raises(Problem, match=said):
            gather_shards(benchmark, shards, out)
    manifest_path(parts[1]).write_text("{}")
    with pytest.raises(Problem, match=r"1-of-2\.json: no manifest"):
        gather_shards(benchmark, parts, out)
    edited = write_benchmark([*pairs[:-1], replace(pairs[-1], chosen="other")])
    with pytest.raises(Problem, match="another version"):
        gather_shards(edited, parts[:1], out)
    with pytest.raises(Problem, match="shard 2 is not one of 0 to 1"):
        score(benchmark, out, tmp_path / "ledger", name="m", family="random", shard=2, shards=2)
    assert not out.exists() and not manifest_path(out).exists()
