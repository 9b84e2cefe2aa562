"""Votes name the side they are for in either order, and a liking for a position decides nothing."""

from __future__ import annotations

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.generation import Completion
from themis.llm.judge import judge, judge_metrics
from themis.prompting.judging import decide, read_verdict
from themis.records import SCHEMAS

EMPTY = SCHEMAS["instructions"].empty_table()


def sees_new_first(request):
    return request.user.index("return new") < request.user.index("return old")


def fair(request):
    """Likes the new code, wherever it is shown."""
    return (0.6, 0.3, 0.1) if sees_new_first(request) else (0.3, 0.6, 0.1)


def positional(request):
    return (0.8, 0.15, 0.05)


def leaning(request):
    """Likes the first reply much, and the new code a little."""
    return (0.8, 0.15, 0.05) if sees_new_first(request) else (0.7, 0.25, 0.05)


def vote(labelled, generator, **settings):
    return judge(labelled, settings.pop("instructions", EMPTY), generator, "j", **{"votes": 2, "seed": 1, **settings})


def test_half_of_the_votes_show_chosen_first_and_favours_maps_back(make_labelled, scripted):
    table = vote(make_labelled(8), scripted(fair), votes=4)
    assert table.schema == SCHEMAS["judgements"]
    assert table.num_rows == 32
    for row in table.to_pylist():
        assert row["favours"] == "chosen"
        assert row["vote"] == ("A" if row["chosen_first"] else "B")
        assert row["probabilities"] == pytest.approx([0.6, 0.3, 0.1] if row["chosen_first"] else [0.3, 0.6, 0.1])
    by_pair = table.group_by("id").aggregate([("chosen_first", "sum")])
    assert by_pair["chosen_first_sum"].to_pylist() == [2] * 8
    openings = table.filter(pa.compute.equal(table["sample"], 0))["chosen_first"].to_pylist()
    assert {True, False} == set(openings)


def test_only_training_pairs_are_judged_with_their_instruction_where_there_is_one(make_labelled, scripted):
    labelled = make_labelled(6, split=["train", "benchmark"] * 3)
    ids = [row["id"] for row in labelled.to_pylist() if row["split"] == "train"]
    instructions = pa.Table.from_pylist(
        [
            {"id": ids[0], "writer": "w", "style": "s", "instruction": "Please sort it."},
            {"id": ids[1], "writer": "w", "style": "s", "missing_reason": "empty"},
        ],
        schema=SCHEMAS["instructions"],
    )
    generator = scripted(fair)
    table = vote(labelled, generator, instructions=instructions)
    assert set(table["id"].to_pylist()) == set(ids)
    told = {request.key.split("/")[0] for request in generator.asked if "Please sort it." in request.user}
    assert told == {ids[0]}
    assert not any("Request" in r.user or "None" in r.user for r in generator.asked if not r.key.startswith(ids[0]))
    with pytest.raises(Problem, match="votes 3"):
        vote(labelled, generator, votes=3)


def test_shards_together_are_the_whole(make_labelled, scripted):
    whole = vote(make_labelled(9), scripted(leaning))
    parts = [vote(make_labelled(9), scripted(leaning), shard=i, shards=2) for i in range(2)]
    assert pa.concat_tables(parts).sort_by([("id", "ascending"), ("sample", "ascending")]).equals(whole)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [((0.5, 0.3, 0.2), "A"), ((0.1, 0.6, 0.3), "B"), ((0.2, 0.2, 0.6), "TIE"), ((0.4, 0.4, 0.2), "TIE"), ((0.4, 0.2, 0.4), "TIE")],
)  # fmt: skip
def test_the_likeliest_option_is_the_vote_and_a_draw_is_a_tie(probabilities, expected):
    assert read_verdict(Completion("k", probabilities=probabilities)).vote == expected
    assert read_verdict(Completion("k", missing_reason="prompt too long")) is None


def test_position_cancels_out_and_what_is_left_decides(make_labelled, scripted):
    labelled = make_labelled(3)
    ids = set(labelled["id"].to_pylist())
    assert decide(vote(labelled, scripted(fair)), 0.0) == {i: ("chosen", pytest.approx(0.3)) for i in ids}
    assert decide(vote(labelled, scripted(positional)), 0.0) == dict.fromkeys(ids, ("tie", 0.0))
    # (0.8 - 0.15) in one order, (0.25 - 0.7) in the other
    assert decide(vote(labelled, scripted(leaning)), 0.0) == {i: ("chosen", pytest.approx(0.1)) for i in ids}
    assert decide(vote(labelled, scripted(leaning)), 0.11) == {i: ("tie", pytest.approx(0.1)) for i in ids}


def row(id_, judge_name, sample, chosen_first, probabilities):
    reason = None if probabilities else "prompt too long"
    return {"id": id_, "judge": judge_name, "criterion": "c", "sample": sample, "chosen_first": chosen_first,
            "probabilities": probabilities, "missing_reason": reason}  # fmt: skip


def test_a_judge_heard_in_one_order_only_does_not_count():
    rows = [
        row("one_sided", "j1", 0, True, [0.9, 0.1, 0.0]),
        row("one_sided", "j1", 1, False, None),
        row("rescued", "j1", 0, True, [0.9, 0.1, 0.0]),
        row("rescued", "j1", 1, False, None),
        row("rescued", "j2", 0, True, [0.2, 0.7, 0.1]),
        row("rescued", "j2", 1, False, [0.6, 0.3, 0.1]),
        # three votes in one order, one in the other: the orders weigh the same
        row("uneven", "j1", 0, True, [0.8, 0.2, 0.0]),
        row("uneven", "j1", 1, False, [0.8, 0.2, 0.0]),
        row("uneven", "j1", 2, True, [0.8, 0.2, 0.0]),
        row("uneven", "j1", 4, True, [0.8, 0.2, 0.0]),
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMAS["judgements"])
    decisions = decide(table, 0.0)
    assert set(decisions) == {"rescued", "uneven"}
    assert decisions["rescued"] == ("rejected", pytest.approx((0.5 + 0.3) / 2))
    assert decisions["uneven"][0] == "tie"
    assert decide(table.take(list(range(9, -1, -1))), 0.0) == decisions


def test_metrics_tell_a_fair_judge_from_a_positional_one(make_labelled, scripted):
    def numbers(generator):
        return {row["metric"]: row["value"] for row in judge_metrics(vote(make_labelled(6), generator)).to_pylist()}

    assert numbers(scripted(fair)) == {
        "votes": 12, "missing_votes": 0, "position_bias": 0.5, "tie_share": 0, "chosen_share": 1, "order_agreement": 1
    }  # fmt: skip
    biased = numbers(scripted(positional))
    assert (biased["position_bias"], biased["order_agreement"], biased["chosen_share"]) == (1.0, 0.0, 0.5)
    undecided = numbers(scripted(lambda _: (0.2, 0.2, 0.6)))
    assert (undecided["tie_share"], undecided["position_bias"], undecided["order_agreement"]) == (1.0, None, 1.0)
    silent = numbers(scripted(lambda _: {"missing_reason": "prompt too long"}))
    assert (silent["votes"], silent["missing_votes"], silent["order_agreement"]) == (0, 12, None)
