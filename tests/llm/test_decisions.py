"""A liking for a position decides nothing, a missing vote is no tie, and each rule says what its votes say."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themis.errors import Problem
from themis.llm.decisions import decide, votes_in
from themis.llm.judge_metrics import judge_metrics
from themis.records import SCHEMAS


def vote(row, judge, sample, chosen_first, answer, **change):
    """A vote: probabilities of A, B and TIE; or A, B or TIE as read from a text; or None."""
    probabilities = answer if isinstance(answer, list) else None
    best = max(zip(probabilities, ("A", "B", "TIE"), strict=True))[1] if probabilities else answer
    side = {None: None, "TIE": "tie"}.get(best, "chosen" if (best == "A") == chosen_first else "rejected")
    return {
        "id": row, "judge": judge, "criterion": "c", "sample": sample, "chosen_first": chosen_first, "vote": best,
        "favours": side, "probabilities": probabilities, "missing_reason": None if best else "no answer", **change,
    }  # fmt: skip


def table(rows):
    return pa.Table.from_pylist(rows, schema=SCHEMAS["judgements"])


def decisions(rows, **rule):
    found = decide(votes_in(table(rows)), **rule)
    assert found.schema == SCHEMAS["decisions"]
    return {row["id"]: row for row in found.to_pylist()}


def both_orders(row, judge, chosen_first, rejected_first, **change):
    """A vote in each order: leans of A over B."""
    answers = [[(1 + lean) / 2, (1 - lean) / 2, 0.0] for lean in (chosen_first, rejected_first)]
    return [vote(row, judge, n, n == 0, answer, **change) for n, answer in enumerate(answers)]


@settings(max_examples=40)
@given(
    st.lists(st.integers(-40, 40).map(lambda n: n / 100), min_size=1, max_size=6),
    st.integers(-50, 50).map(lambda n: n / 100),
)
def test_a_bias_for_a_position_is_measured_and_removed_exactly(preferences, bias):
    """Each pair's true lean for chosen, and a judge that adds `bias` to whatever is shown first."""
    biased = [v for n, lean in enumerate(preferences) for v in both_orders(str(n), "j", lean + bias, -lean + bias)]
    fair = [v for n, lean in enumerate(preferences) for v in both_orders(str(n), "j", lean, -lean)]
    what = ("lean", "confidence", "decision")
    with_bias, without = (
        {row: [found[name] for name in what] for row, found in decisions(rows).items()} for rows in (biased, fair)
    )
    assert with_bias == without
    for row, lean in enumerate(preferences):
        assert decisions(biased)[str(row)]["lean"] == lean
    assert numbers(biased)["j", "position_lean"] == pytest.approx(bias, abs=1e-12)


def numbers(rows):
    votes = votes_in(table(rows))
    languages = pl.DataFrame({"id": votes["id"].unique().sort(), "language": "Go"})
    found = judge_metrics(votes, decide(votes), languages)
    assert found.schema == SCHEMAS["metrics"]
    return {(row["subject"], row["metric"]): row["value"] for row in found.to_pylist()}


def test_a_judge_of_positions_alone_decides_nothing_by_any_rule():
    rows = [vote("p", "j", n, n % 2 == 0, answer) for n, answer in enumerate(["A", "A", "A", "A"])]
    for rule in ("lean", "majority", "unanimous"):
        found = decisions(rows, rule=rule)["p"]
        assert (found["decision"], found["lean"], found["confidence"]) == ("tie", 0.0, 0.0)
        assert (found["votes_chosen"], found["votes_rejected"], found["votes_tie"]) == (2, 2, 0)


def test_the_lean_must_exceed_the_margin():
    rows = [vote("p", "j", 0, True, [0.8, 0.15, 0.05]), vote("p", "j", 1, False, [0.7, 0.25, 0.05])]
    assert ((0.8 - 0.15) - (0.7 - 0.25)) / 2 > 0.1  # the last digit of a float
    assert decisions(rows, margin=0.0)["p"]["decision"] == "chosen"
    assert decisions(rows, margin=0.1)["p"]["decision"] == "tie"
    assert decisions(rows, margin=0.0999)["p"]["decision"] == "chosen"
    assert decisions(both_orders("p", "j", 0.45, 0.65))["p"]["decision"] == "rejected"


def test_a_judge_heard_in_one_order_only_does_not_count_and_orders_weigh_the_same():
    rows = [
        vote("one_sided", "j1", 0, True, [0.9, 0.1, 0.0]),
        vote("one_sided", "j1", 1, False, None),
        vote("rescued", "j1", 0, True, [0.9, 0.1, 0.0]),
        vote("rescued", "j1", 1, False, None),
        vote("rescued", "j2", 0, True, [0.2, 0.7, 0.1]),
        vote("rescued", "j2", 1, False, [0.6, 0.3, 0.1]),
        # Three votes in one order, one in the other.
        *(vote("uneven", "j1", n, n != 1, [0.8, 0.2, 0.0]) for n in (0, 1, 2, 4)),
        vote("silent", "j1", 0, True, None),
    ]
    found = decisions(rows)
    assert {row: found[row]["decision"] for row in found} == {
        "one_sided": None, "rescued": "rejected", "uneven": "tie", "silent": None,
    }  # fmt: skip
    assert found["rescued"]["lean"] == pytest.approx(-(0.5 + 0.3) / 2)
    assert (found["one_sided"]["votes_chosen"], found["one_sided"]["votes_missing"]) == (1, 1)
    assert found["one_sided"]["confidence"] is None
    assert found["silent"]["votes_missing"] == 1
    assert decisions(rows[::-1]) == found


SIDES = {"c": ("A", "B"), "r": ("B", "A"), "t": ("TIE", "TIE"), "m": (None, None)}


@pytest.mark.parametrize(
    ("votes", "lean", "majority", "unanimous"),
    [
        ("cccc", "chosen", "chosen", "chosen"),
        ("rrrr", "rejected", "rejected", "rejected"),
        ("ccct", "chosen", "chosen", "tie"),
        ("ccrr", "tie", "tie", "tie"),
        ("tttt", "tie", "tie", "tie"),
        ("cctt", "chosen", "tie", "tie"),  # half of the votes is not more than half
        ("cttt", "chosen", "tie", "tie"),
        ("mmcc", "chosen", "chosen", "chosen"),  # what is missing is no tie: the same votes with ties are above
        ("mmmm", None, None, None),
        ("rrrc", "rejected", "rejected", "tie"),
    ],
)
def test_rules_over_votes_of_texts_with_ties_and_failures_kept_apart(votes, lean, majority, unanimous):
    rows = [vote("p", "j", n, n % 2 == 0, SIDES[kind][n % 2]) for n, kind in enumerate(votes)]
    for rule, expected in (("lean", lean), ("majority", majority), ("unanimous", unanimous)):
        found = decisions(rows, rule=rule)["p"]
        assert found["decision"] == expected
        counts = [found[f"votes_{side}"] for side in ("chosen", "rejected", "tie", "missing")]
        assert counts == [votes.count(kind) for kind in "crtm"]


def test_the_judges_weigh_the_same_however_many_votes_they_cast():
    many = [vote("p", "j1", n, n % 2 == 0, SIDES["c"][n % 2]) for n in range(8)]
    assert decisions([*many, *both_orders("p", "j2", -0.9, 0.9)])["p"]["lean"] == pytest.approx(0.05)


def test_unknown_rules_and_votes_given_twice_are_refused():
    rows = both_orders("p", "j", 0.1, 0.1)
    with pytest.raises(Problem, match="rule fair is none of lean, majority, unanimous"):
        decisions(rows, rule="fair")
    with pytest.raises(Problem, match="twice"):
        decisions([*rows, *rows])


def test_numbers_about_judges_tell_a_fair_one_from_a_positional_one():
    rows = [v for n in range(6) for v in both_orders(str(n), "fair", 0.3, -0.3)]
    rows += [v for n in range(6) for v in both_orders(str(n), "first", 0.6, 0.6)]
    rows += [
        vote(str(n), "silent", side, side == 0, None, missing_reason="cut off", finish_reason="length")
        for n in range(6)
        for side in (0, 1)
    ]
    rows += [vote(str(n), "torn", side, side == 0, "TIE") for n in range(6) for side in (0, 1)]
    found = numbers(rows)
    names = ("votes", "missing_votes", "position_bias", "tie_share", "chosen_share", "order_agreement", "position_lean")
    judges = {judge: [found[judge, name] for name in names] for judge in ("fair", "first", "silent", "torn")}
    assert judges["fair"] == [12, 0, 0.5, 0, 1, 1, pytest.approx(0, abs=1e-12)]
    assert judges["first"] == [12, 0, 1, 0, 0.5, 0, pytest.approx(0.6)]
    assert judges["silent"] == [0, 12, None, None, None, None, None]
    assert judges["torn"] == [12, 0, None, 1, None, 1, 0]
    assert (found["silent", "missing: cut off"], found["silent", "finished: length"]) == (12, 12)
    assert ("fair", "missing: cut off") not in found


def test_agreement_of_judges_and_yields_are_told_by_criterion_and_language():
    leans = {"0": (0.4, 0.4), "1": (-0.2, 0.2), "2": (0.1, -0.1), "3": (-0.4, -0.6)}
    rows = [
        v for row, both in leans.items() for judge, lean in zip("ab", both, strict=True)
        for v in both_orders(row, judge, lean, -lean, criterion="x" if row in "01" else "y")
    ]  # fmt: skip
    rows.append(vote("4", "a", 0, True, "A", criterion="y"))
    found = numbers(rows)
    names = ("pairs", "chosen", "rejected", "tie", "undecided")
    assert {c: [found[c, name] for name in names] for c in ("all", "x", "y", "Go", "y/Go")} == {
        "all": [5, 1, 1, 2, 1], "x": [2, 1, 0, 1, 0], "y": [3, 0, 1, 1, 1], "Go": [5, 1, 1, 2, 1],
        "y/Go": [3, 0, 1, 1, 1],
    }  # fmt: skip
    assert found["a ~ b", "pairs"] == 4
    assert found["a ~ b", "mean_absolute_difference"] == pytest.approx((0 + 0.4 + 0.2 + 0.2) / 4)
    values = [0.4, 0.4, -0.2, 0.2, 0.1, -0.1, -0.4, -0.6]
    middle = sum(values) / 8
    spread = sum((value - middle) ** 2 for value in values) / 7
    within = sum((a - b) ** 2 for a, b in leans.values())  # two values: twice their variance
    assert found["all", "alpha_interval"] == pytest.approx(1 - within / 8 / spread)
