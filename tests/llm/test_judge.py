"""Votes name the side they are for in either order; an answer that cannot be read is no vote, and no tie."""

from __future__ import annotations

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.llm.judge import judge
from themis.llm.model import Sampling
from themis.records import SCHEMAS


def sees_new_first(request):
    return request.user.index("return new") < request.user.index("return old")


def fair(request):
    """Likes the new code, wherever it is shown."""
    return (0.6, 0.3, 0.1) if sees_new_first(request) else (0.3, 0.6, 0.1)


def vote(labelled, generator, *, votes=2, seed=1, instructions=None, **options):
    sampling = Sampling(max_new_tokens=64, temperature=options.pop("temperature", 0.0), seed=seed)
    tables = judge(labelled, instructions or {}, generator, "j", votes=votes, sampling=sampling, **options)
    return pa.concat_tables([SCHEMAS["judgements"].empty_table(), *tables])


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
    generator = scripted(fair)
    table = vote(labelled, generator, instructions={ids[0]: "Please sort it."})
    assert set(table["id"].to_pylist()) == set(ids)
    told = {request.key.split("/")[0] for request in generator.asked if "Please sort it." in request.user}
    assert told == {ids[0]}
    assert not any("Request" in r.user or "None" in r.user for r in generator.asked if not r.key.startswith(ids[0]))
    with pytest.raises(Problem, match="votes 3"):
        vote(labelled, generator, votes=3)


def test_shards_together_are_the_whole(make_labelled, scripted):
    order = [("id", "ascending"), ("sample", "ascending")]
    whole = vote(make_labelled(9), scripted(fair))
    parts = [vote(make_labelled(9), scripted(fair), shard=i, shards=2) for i in range(2)]
    assert all(0 < part.num_rows < 18 for part in parts)
    assert pa.concat_tables(parts).sort_by(order).equals(whole.sort_by(order))


def test_a_vote_in_a_text_is_read_and_what_cannot_be_read_is_told_from_a_tie(make_labelled, scripted, marked):
    labelled = make_labelled(5)
    ids = labelled["id"].to_pylist()
    replies = {
        ids[0]: lambda r: marked(r, "A"),
        ids[1]: lambda r: marked(r, "TIE"),
        ids[2]: lambda r: marked(r, "both are fine"),
        ids[3]: lambda r: {"text": "The first one", "finish_reason": "length"},
        ids[4]: lambda r: {"missing_reason": "prompt too long"},
    }
    table = vote(labelled, scripted(lambda r: replies[r.key.split("/")[0]](r)), answer="text")
    for row in table.to_pylist():
        place = ids.index(row["id"])
        assert row["vote"] == ("A", "TIE", None, None, None)[place]
        side = "chosen" if row["chosen_first"] else "rejected"
        assert row["favours"] == (side, "tie", None, None, None)[place]
        assert (row["missing_reason"] is None) == (place < 2)
        assert row["finish_reason"] == ("stop", "stop", "stop", "length", None)[place]
        assert (row["text"] is None) == (place == 4)
        assert row["probabilities"] is None
    assert len(set(table["missing_reason"].to_pylist())) == 4  # none, and three reasons


def test_sampled_votes_have_seeds_of_their_own_which_no_shard_changes(make_labelled, scripted, marked):
    generator = scripted(lambda r: marked(r, "B"))
    vote(make_labelled(5), generator, votes=8, answer="text", temperature=0.8)
    seeds = {request.key: request.seed for request in generator.asked}
    assert len(set(seeds.values())) == 40
    vote(make_labelled(5), generator, votes=8, answer="text", temperature=0.8, shard=1, shards=2)
    assert generator.asked
    assert all(seeds[request.key] == request.seed for request in generator.asked)
