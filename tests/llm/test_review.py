"""A rating is the expected digit or the one written at the end of a text; without either there is none, and why."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.errors import Problem
from themis.llm.model import Sampling
from themis.llm.review import change_of, review
from themis.records import SCHEMAS

UNIFORM = (0.2,) * 5


def only(digit):
    return tuple(1.0 if value == digit else 0.0 for value in range(1, 6))


def rate(labelled, generator, *, samples=1, seed=1, **options):
    sampling = Sampling(max_new_tokens=64, temperature=options.pop("temperature", 0.0), seed=seed)
    return pa.concat_tables(
        [SCHEMAS["reviews"].empty_table(),
         *review(labelled, generator, "r", samples=samples, sampling=sampling, **options)]
    )  # fmt: skip


def test_a_rating_is_the_mean_digit_of_the_models_probabilities(make_labelled, scripted):
    table = rate(make_labelled(5), scripted(lambda _: (0.1, 0.2, 0.3, 0.25, 0.15)), samples=2)
    assert table.schema == SCHEMAS["reviews"]
    assert table["rating"].to_pylist() == pytest.approx([0.1 + 0.4 + 0.9 + 1.0 + 0.75] * 10)
    assert len(set(zip(table["id"].to_pylist(), table["sample"].to_pylist(), strict=True))) == 10


def test_kept_pairs_with_an_aspect_are_rated_on_that_aspect_each_in_one_shard(make_labelled, scripted):
    labelled = make_labelled(
        6, kept=[True, False, True, True, True, True], aspect=["readability_maintainability", None, None] + ["security_hardness"] * 3
    )  # fmt: skip
    generator = scripted(lambda _: UNIFORM)
    whole = rate(labelled, generator)
    assert whole.num_rows == 4
    for row in whole.to_pylist():
        request = next(r for r in generator.asked if r.key.startswith(row["id"]))
        assert ("Readability" in request.user) == (row["criterion"] == "readability_maintainability")
        assert request.options == ("1", "2", "3", "4", "5")
    parts = [rate(labelled, generator, shard=i, shards=3) for i in range(3)]
    assert pa.concat_tables(parts).sort_by("id").equals(whole.sort_by("id"))
    with pytest.raises(Problem, match="shard 3"):
        rate(labelled, generator, shard=3, shards=3)


def test_no_answer_and_an_answer_that_says_nothing_are_told_apart_and_neither_is_a_rating(
    make_labelled, scripted, marked
):
    labelled = make_labelled(4)
    ids = labelled["id"].to_pylist()
    replies = {
        ids[0]: lambda r: marked(r, "4"),
        ids[1]: lambda r: marked(r, "splendid"),
        ids[2]: lambda r: {"text": "I think that", "finish_reason": "length"},
        ids[3]: lambda r: {"missing_reason": "prompt too long"},
    }
    table = rate(labelled, scripted(lambda r: replies[r.key.split("/")[0]](r)), answer="text")
    rows = {row["id"]: row for row in table.to_pylist()}
    assert [rows[i]["rating"] for i in ids] == [4.0, None, None, None]
    assert rows[ids[0]]["missing_reason"] is None
    assert rows[ids[3]]["missing_reason"] == "prompt too long"
    assert len({rows[i]["missing_reason"] for i in ids}) == 4
    assert [rows[i]["finish_reason"] for i in ids] == ["stop", "stop", "length", None]
    assert "splendid" in rows[ids[1]]["text"]
    assert table["probabilities"].null_count == 4


def test_sampled_texts_have_a_seed_for_every_pair_and_sample_and_greedy_ones_have_none(make_labelled, scripted, marked):
    generator = scripted(lambda r: marked(r, "3"))
    rate(make_labelled(6), generator, samples=4, answer="text", temperature=0.8)
    assert len({request.seed for request in generator.asked}) == 24
    assert {(r.temperature, r.max_new_tokens) for r in generator.asked} == {(0.8, 64)}
    seeds = {request.key: request.seed for request in generator.asked}
    rate(make_labelled(3), generator, samples=2, answer="text", temperature=0.8)
    assert all(seeds[request.key] == request.seed for request in generator.asked)
    rate(make_labelled(3), generator, samples=2, answer="text")
    assert {request.seed for request in generator.asked} == {0}


def test_later_samples_may_turn_the_scale_round_and_the_first_never(make_labelled, scripted):
    generator = scripted(lambda _: UNIFORM)
    rate(make_labelled(20), generator, samples=2)
    systems = {sample: {r.system for r in generator.asked if r.key.endswith(f"/{sample}")} for sample in (0, 1)}
    assert len(systems[0]) == 1
    assert len(systems[1]) == 2


def test_what_was_asked_for_is_shown_with_the_pairs_that_have_it(make_labelled, scripted):
    labelled = make_labelled(3)
    first = labelled["id"][0].as_py()
    generator = scripted(lambda _: UNIFORM)
    rate(labelled, generator, instructions={first: "Please sort the list."})
    assert {r.key for r in generator.asked if "Please sort the list." in r.user} == {f"{first}/0"}


def sides(change):
    """The two versions that a change shows."""
    lines = change.split("\n") if change else []
    return [[line[1:] for line in lines if line[0] in marks] for marks in (" -", " +")]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_the_change_shown_holds_both_versions_whole(old, new):
    assert sides(change_of("\n".join(old), "\n".join(new))) == [
        "\n".join(old).splitlines(),
        "\n".join(new).splitlines(),
    ]


def test_with_context_lines_what_is_far_from_any_change_is_counted_and_left_out():
    old = [f"line {n}" for n in range(40)]
    new = [*old[:10], "changed", *old[11:30], "added", *old[30:]]
    change = change_of("\n".join(old), "\n".join(new), 2).split("\n")
    assert change == [
        "@@ 8 unchanged lines are not shown @@", " line 8", " line 9", "-line 10", "+changed", " line 11", " line 12",
        "@@ 15 unchanged lines are not shown @@", " line 28", " line 29", "+added", " line 30", " line 31",
        "@@ 8 unchanged lines are not shown @@",
    ]  # fmt: skip
    assert change_of("a\nb\nc", "a\nb\nX", 1) == "@@ 1 unchanged line is not shown @@\n b\n-c\n+X"
    assert change_of("a\nb\nc", "a\nb\nX", 2) == change_of("a\nb\nc", "a\nb\nX") == " a\n b\n-c\n+X"
    assert change_of("a\nb", "a\nX", 0) == "@@ 1 unchanged line is not shown @@\n-b\n+X"
