"""A conversation that several pairs have is computed once, and every pair has the scores it has by itself."""

from __future__ import annotations

import itertools

import pytest

from tests.score.scorers import load
from themis.prompting.packing import pack_ids
from themis.score.distinct import plan
from themis.score.protocol import Pair
from themis.vocabulary import Criterion

CRITERION = Criterion.FUNCTIONAL_CORRECTNESS


def crossed(chosen, rejected, prompt="write it", name="p"):
    """Every chosen response with every rejected one, as RM-Bench has them."""
    return [
        Pair(f"{name}-{a}-{b}", prompt, one, other, CRITERION)
        for (a, one), (b, other) in itertools.product(enumerate(chosen), enumerate(rejected))
    ]


def texts(word, count):
    return [f"def {word}(): return {number}" + " # a" * number for number in range(count)]


def counting(scorer):
    """How many tokens each forward pass of a scorer computes from now on."""
    sizes = []
    scorer.backbone.register_forward_pre_hook(
        lambda _module, _given, named: sizes.append(named["input_ids"].numel()), with_kwargs=True
    )
    return sizes


def one_by_one(scorer, pairs):
    return {pair.id: score for pair in pairs for _, score in scorer.score([pair])}


def close(found, expected):
    assert found.keys() == expected.keys()
    for row, other in expected.items():
        score = found[row]
        assert (score.missing_reason, score.truncated) == (other.missing_reason, other.truncated), row
        if other.chosen is not None:
            assert [score.chosen, score.rejected] == pytest.approx([other.chosen, other.rejected], abs=1e-5), row


@pytest.mark.parametrize("share_prefix", [True, False])
def test_three_of_each_side_are_computed_once(make_folder, share_prefix):
    pairs = [
        *crossed(texts("good", 3), texts("bad", 3)),
        *crossed(texts("good", 3), texts("bad", 3), prompt="write another", name="q"),
    ]
    scorer = load(make_folder(), share_prefix=share_prefix)
    expected = one_by_one(scorer, pairs)
    sizes = counting(scorer)
    found = dict(scorer.score(pairs[::-1]))
    close(found, expected)
    shown = {pair.id: scorer._pack(pair)[0] for pair in sorted(pairs, key=lambda pair: pair.id)}
    rows = plan(shown, scorer._packed).rows
    assert len(rows) == 6, "six conversations of each prompt, two a row"
    assert sum(sizes) == sum(map(len, rows)) < 0.4 * sum(map(len, shown.values()))
    for first in ("p-0", "p-1", "p-2"):
        assert len({found[f"{first}-{other}"].chosen for other in range(3)}) == 1, "one conversation, one score"


def test_one_response_beside_many_others_is_computed_once(make_folder):
    one, *others = texts("any", 6)
    pairs = [Pair(f"r{number}", "write it", one, other, CRITERION) for number, other in enumerate([*others, one])]
    scorer = load(make_folder())
    expected = one_by_one(scorer, pairs)
    sizes = counting(scorer)
    found = dict(scorer.score(pairs))
    close(found, expected)
    assert found["r5"].outcome == "tie"
    rows = plan({pair.id: scorer._pack(pair)[0] for pair in pairs}, lambda pair: pair).rows
    assert sum(sizes) == sum(map(len, rows))
    assert len(rows) == 3, "six conversations in pairs"


def test_a_response_without_a_score_takes_none_of_the_others_along(make_folder, tokenizer):
    def poison(model):
        model.model.embed_tokens.weight.data[tokenizer.convert_tokens_to_ids("~")] = float("nan")

    pairs = crossed(texts("good", 3), [*texts("bad", 2), "~"])
    scorer = load(make_folder(change=poison))
    found = dict(scorer.score(pairs))
    close(found, one_by_one(scorer, pairs))
    assert {row for row, score in found.items() if score.missing_reason} == {"p-0-2", "p-1-2", "p-2-2"}


def test_what_a_pair_had_cut_stays_its_own(make_folder):
    long = "def f():\n" + "    x = 1\n" * 20
    pairs = crossed([*texts("good", 2), long], [*texts("bad", 2), long + "y"], prompt="write it " * 12)
    scorer = load(make_folder(), prompt_mode="none", truncation="tail", max_tokens=220)
    found = dict(scorer.score(pairs))
    close(found, one_by_one(scorer, pairs))
    assert len({score.truncated for score in found.values()}) == 2


def test_pairs_without_anything_in_common_stay_as_they_are():
    pairs = {f"{n}": pack_ids([1, 2, n, 8], [1, 2, n, 9, 9], 3) for n in range(3, 6)}
    made = plan(pairs, lambda pair: pair)
    assert all(row is pair for row, pair in zip(made.rows, pairs.values(), strict=True))
    assert made.whole == set(pairs)


def test_the_same_ids_after_another_prompt_are_another_conversation():
    ids = [1, 2, 3, 4, 5]
    pairs = {"a": pack_ids(ids, [1, 2, 9], 2), "b": pack_ids(ids, [1, 2, 3, 9], 3)}
    assert plan(pairs, lambda pair: pair).whole == {"a", "b"}


def test_what_is_left_over_goes_with_its_own_prompt_only():
    pairs = {
        f"{prompt}{last}": pack_ids([1, prompt, 5, 8], [1, prompt, last], 2) for prompt in (2, 3) for last in (6, 7)
    }
    rows = plan(pairs, lambda pair: pair).rows
    assert [row.ids[: row.chosen].tolist() for row in rows[2:]] == [[1, 2, 7], [1, 3, 7]]
    assert all(row.rejected == row.chosen and row.shared == row.chosen - 1 for row in rows[2:]), "beside itself"
