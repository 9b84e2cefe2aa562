"""An instruction is the first paragraph of what the model wrote, without code; nothing left is missing, not empty."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from themis.llm.instruct import STYLES, instruct, instruction_in
from themis.records import SCHEMAS


@pytest.mark.parametrize(
    ("text", "cut", "expected"),
    [
        ("  Sort a list.  ", False, "Sort a list."),
        ("Sort a list.\nFast.\n\nHere is more.", False, "Sort a list. Fast."),
        ("Sort it. Then print it and", True, "Sort it."),
        ("Sort version 1.2 of it and", True, "Sort version 1.2 of it and"),
        ("Sort it. Then print\n\nThe rest is cu", True, "Sort it. Then print"),  # the cut is not in this paragraph
        ('He asks: "how?" And wha', True, 'He asks: "how?"'),
        ("```python\nx = 1\n```\nSort a list.", False, "Sort a list."),
        ("Sort a list like this:\n```\nsorted(x)\n```", False, "Sort a list like this:"),
        ("```\nnever closed. really", True, None),
        ("````\n```\nx\n```\n````\nYes.", False, "Yes."),
        ("<think>Let me see.</think>\n\nSort a list.", False, "Sort a list."),
        ("<think>Let me see. This is", True, None),
        (" \n\n ", False, None),
        ("", False, None),
    ],
)
def test_what_is_used_of_a_reply(text, cut, expected):
    assert instruction_in(text, cut=cut) == expected


def ask(labelled, generator, **settings):
    return instruct(
        labelled, generator, "w", **{"max_new_tokens": 48, "temperature": 0.0, "seed": 1, **settings}
    )  # fmt: skip


def test_the_writer_sees_the_new_code_alone_and_the_text_is_kept_raw(make_labelled, scripted):
    generator = scripted(lambda r: {"text": " Do it. And th", "finish_reason": "length"})
    table = ask(make_labelled(4), generator)
    assert table.schema == SCHEMAS["instructions"]
    assert all("return new" in r.user and "return old" not in r.user for r in generator.asked)
    assert all("Improve number" not in r.user for r in generator.asked)
    assert set(table["instruction"].to_pylist()) == {"Do it."}
    assert set(table["text"].to_pylist()) == {" Do it. And th"}
    empty = ask(make_labelled(4), scripted(lambda _: "```\ncode\n```"))
    assert set(empty["missing_reason"].to_pylist()) == {"empty"}
    assert empty["instruction"].null_count == 4
    refused = ask(make_labelled(4), scripted(lambda _: {"missing_reason": "prompt too long"}))
    assert set(refused["missing_reason"].to_pylist()) == {"prompt too long"}


def test_styles_are_picked_by_chance_and_asked_for(make_labelled, scripted):
    generator = scripted(lambda _: "Do it.")
    table = ask(make_labelled(200), generator)
    counts = Counter(table["style"].to_pylist())
    assert set(counts) == set(STYLES)
    assert min(counts.values()) > 20
    style_of = dict(zip(table["id"].to_pylist(), table["style"].to_pylist(), strict=True))
    assert all(STYLES[style_of[request.key]] in request.user for request in generator.asked)
    assert ask(make_labelled(200), generator, seed=2)["style"] != table["style"]


def test_shards_together_are_the_whole_and_seeds_are_the_rows_own(make_labelled, scripted):
    labelled = make_labelled(12)
    generator = scripted(lambda r: f"Do {r.seed} {r.temperature}.")
    whole = ask(labelled, generator, temperature=0.8)
    assert len(set(whole["instruction"].to_pylist())) == 12
    parts = [ask(labelled, generator, temperature=0.8, shard=i, shards=2) for i in range(2)]
    assert all(0 < part.num_rows < 12 for part in parts)
    assert pa.concat_tables(parts).sort_by("id").equals(whole)
