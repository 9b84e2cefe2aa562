"""What is used of a reply is kept beside the whole of it; styles and seeds are the rows' own."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from themis.llm.instruct import instruct
from themis.llm.instruct_metrics import instruct_metrics
from themis.llm.model import Sampling
from themis.prompting.instructing import STYLES
from themis.records import SCHEMAS


def write(labelled, generator, *, sees="new", seed=1, temperature=0.0, **shard):
    sampling = Sampling(max_new_tokens=48, temperature=temperature, top_p=0.9, seed=seed)
    return pa.concat_tables(instruct(labelled, generator, "w", sees=sees, sampling=sampling, **shard))


def test_the_writer_sees_what_it_shall_and_the_text_is_kept_raw(make_labelled, scripted, marked):
    generator = scripted(lambda r: {"text": " Do it. And th", "finish_reason": "length"})
    table = write(make_labelled(4), generator)
    assert table.schema == SCHEMAS["instructions"]
    assert all("return new" in r.user and "return old" not in r.user for r in generator.asked)
    assert all("Improve number" not in r.user for r in generator.asked)
    assert set(table["instruction"].to_pylist()) == {"Do it."}
    assert set(table["text"].to_pylist()) == {" Do it. And th"}
    assert set(table["finish_reason"].to_pylist()) == {"length"}
    both = scripted(lambda r: marked(r, "Do it well."))
    table = write(make_labelled(4), both, sees="both")
    assert all("return new" in r.user and "return old" in r.user for r in both.asked)
    assert set(table["instruction"].to_pylist()) == {"Do it well."}


def test_what_cannot_be_used_is_missing_and_says_why(make_labelled, scripted):
    empty = write(make_labelled(4), scripted(lambda _: " \n "))
    assert set(empty["missing_reason"].to_pylist()) == {"empty"}
    assert empty["instruction"].null_count == 4
    refused = write(make_labelled(4), scripted(lambda _: {"missing_reason": "prompt too long"}))
    assert set(refused["missing_reason"].to_pylist()) == {"prompt too long"}
    told = instruct_metrics(
        pa.concat_tables([empty, refused, write(make_labelled(2), scripted(lambda _: "Do it so."))])
    )
    numbers = {row["metric"]: row["value"] for row in told.to_pylist() if row["subject"] == "w"}
    assert numbers == {
        "pairs": 10, "written": 2, "mean_words": 3, "missing: empty": 4, "missing: prompt too long": 4, "finished: stop": 6
    }  # fmt: skip
    by_style = [row for row in told.to_pylist() if row["subject"].startswith("w/") and row["metric"] == "pairs"]
    assert sum(row["value"] for row in by_style) == 10


def test_styles_are_picked_by_chance_and_asked_for(make_labelled, scripted):
    generator = scripted(lambda _: "Do it.")
    table = write(make_labelled(200), generator)
    counts = Counter(table["style"].to_pylist())
    assert set(counts) == set(STYLES)
    assert min(counts.values()) > 20
    style_of = dict(zip(table["id"].to_pylist(), table["style"].to_pylist(), strict=True))
    assert all(STYLES[style_of[request.key]] in request.user for request in generator.asked)
    assert write(make_labelled(200), generator, seed=2)["style"] != table["style"]


def test_shards_together_are_the_whole_and_seeds_are_the_rows_own(make_labelled, scripted):
    labelled = make_labelled(12)
    generator = scripted(lambda r: f"Do {r.seed} {r.temperature} {r.top_p}.")
    whole = write(labelled, generator, temperature=0.8)
    assert len(set(whole["instruction"].to_pylist())) == 12
    assert all("0.8 0.9" in text for text in whole["instruction"].to_pylist())
    parts = [write(labelled, generator, temperature=0.8, shard=i, shards=2) for i in range(2)]
    assert all(0 < part.num_rows < 12 for part in parts)
    assert pa.concat_tables(parts).sort_by("id").equals(whole.sort_by("id"))
