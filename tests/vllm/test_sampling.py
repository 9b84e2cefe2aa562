"""A seed decides a sampled text, whatever else is asked; answers come as they are done, and what is given up is gone."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.vllm


def texts(answers, name):
    return [answers[name][key].text for key in sorted(answers[name]) if not key.startswith("other")]


def test_the_same_seed_gives_the_same_text_in_other_company(answers):
    pairs = list(zip(texts(answers, "sampled"), texts(answers, "in other company"), strict=True))
    assert sum(one == other for one, other in pairs) >= 7  # rounding may turn one


def test_seeds_are_good_for_more_prompts_than_fit_in_a_step(answers):
    assert sum(completion.prompt_tokens for completion in answers["crowd"].values()) > 5000
    assert all(
        completion.new_tokens == 2 for completion in answers["crowd"].values() if completion.finish_reason == "length"
    )


def test_other_seeds_give_other_texts(answers):
    assert len(set(texts(answers, "sampled"))) == 8
    pairs = zip(texts(answers, "sampled"), texts(answers, "other seeds"), strict=True)
    assert sum(one != other for one, other in pairs) >= 7


def test_the_likeliest_tokens_alone_are_the_greedy_text(answers):
    pairs = list(zip(texts(answers, "greedy"), texts(answers, "from the likeliest"), strict=True))
    assert sum(one == other for one, other in pairs) >= 7


def test_an_answer_comes_as_soon_as_it_is_done(answers):
    assert list(answers["short and long"]) == ["b short one", "a long one"]
    finished = {key: (c.finish_reason, c.new_tokens) for key, c in answers["short and long"].items()}
    assert finished == {"b short one": ("length", 2), "a long one": ("length", 24)}


def test_requests_given_up_are_none_of_the_next_answers(answers):
    assert len(answers["abandoned"]) == 1
    assert sorted(answers["next"]) == [f"next{number}" for number in range(8)]
    assert texts(answers, "next") == texts(answers, "greedy")
