"""Which system prompt a pair is shown."""

import pytest
from pydantic import ValidationError

from themis.errors import Problem
from themis.prompting.criteria import CRITERION_TEXTS, system_prompt, system_prompt_for
from themis.prompting.system_prompts import Shares, draw
from themis.study.models import RewardModel
from themis.study.preferences import SystemPrompts
from themis.vocabulary import CODE_CRITERIA, Criterion

SHARES = Shares(none=0.15, all=0.2, single=0.65)
ROWS = [f"row{at}" for at in range(6000)]


def test_the_shares_are_met():
    drawn = [draw(SHARES, 7, row, Criterion.SECURITY_HARDNESS) for row in ROWS]
    single = system_prompt([Criterion.SECURITY_HARDNESS])
    shares = [drawn.count(None) / 6000, drawn.count(single) / 6000]
    assert shares == pytest.approx([0.15, 0.65], abs=0.02)
    several = [text for text in drawn if text not in (None, single)]
    assert all(
        sorted(text.splitlines()[1:]) == sorted(f"- {CRITERION_TEXTS[one]}" for one in CODE_CRITERIA)
        for text in several
    )
    assert len(set(several)) == 120  # every order occurs
    first = [text.splitlines()[1] for text in several]
    assert all(first.count(line) / len(first) == pytest.approx(0.2, abs=0.05) for line in set(first))


def test_a_draw_depends_on_seed_and_row_alone():
    def drawn(seed, rows):
        return {row: draw(SHARES, seed, row, Criterion.HELPFULNESS) for row in rows}

    assert drawn(7, ROWS[:50]) == drawn(7, reversed(ROWS[:50]))
    assert drawn(7, ROWS[:50]) != drawn(8, ROWS[:50])


def test_a_general_pair_is_shown_its_general_criterion():
    assert draw(Shares(0, 0, 1), 7, "row", Criterion.HELPFULNESS) == system_prompt([Criterion.HELPFULNESS])
    assert draw(Shares(1, 0, 0), 7, "row", Criterion.HELPFULNESS) is None


@pytest.mark.parametrize("shares", [(0.2, 0.2, 0.2), (-0.1, 0.5, 0.6), (1, 1, 1)])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(Problem, match="sum to 1"):
        Shares(*shares)


def test_a_subset_is_the_pairs_criterion_among_others():
    shares = Shares(none=0, all=0, single=0, subset=1)
    drawn = [lines(draw(shares, 7, row, Criterion.SECURITY_HARDNESS)) for row in ROWS]
    own = CRITERION_TEXTS[Criterion.SECURITY_HARDNESS]
    assert all(own in text and len(set(text)) == len(text) for text in drawn)
    sizes = [sum(len(text) == size for text in drawn) / len(drawn) for size in range(1, 6)]
    assert sizes == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0], abs=0.03)
    others = [CRITERION_TEXTS[one] for one in CODE_CRITERIA if one is not Criterion.SECURITY_HARDNESS]
    assert [sum(one in text for text in drawn) / len(drawn) for one in others] == pytest.approx([0.5] * 4, abs=0.03)
    first = sum(text[0] == own for text in drawn if len(text) == 2) / sum(len(text) == 2 for text in drawn)
    assert first == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("criterion", Criterion)
def test_a_pair_is_trained_and_scored_with_the_same_texts(criterion):
    def drawn(**shares):
        return draw(Shares(**(dict.fromkeys(("none", "all", "single", "subset"), 0) | shares)), 7, "row", criterion)

    names = {text: one.value for one, text in CRITERION_TEXTS.items()}
    assert drawn(none=1) is system_prompt_for("none", criterion)
    assert drawn(single=1) == system_prompt_for("criterion", criterion)
    for text in (drawn(all=1), drawn(subset=1)):
        assert text == system_prompt_for("+".join(names[line] for line in lines(text)), Criterion.HELPFULNESS)
    assert sorted(lines(drawn(all=1))) == sorted(lines(system_prompt_for("all", criterion)))
    assert CRITERION_TEXTS[criterion] in drawn(all=1)


@pytest.mark.parametrize("mode", ["some", "", "security_hardness+", "security_hardness+security_hardness", "all+none"])
def test_a_mode_that_is_none_is_refused_wherever_it_is_written(mode):
    with pytest.raises(Problem, match="security_hardness, readability"):
        system_prompt_for(mode, Criterion.HELPFULNESS)
    if mode != "security_hardness+security_hardness":
        with pytest.raises(ValidationError, match="prompt_mode"):
            RewardModel(name="m", family="length", prompt_mode=mode)


def test_presets_of_a_study_are_the_published_shares():
    def of(**given):
        return SystemPrompts(**given).model_dump(exclude={"preset"})

    assert of() == of(preset="paper") == {"none": 0.15, "all": 0.2, "single": 0.65, "subset": 0}
    assert of(preset="published", none=0.5, single=0.3) == {"none": 0.15, "all": 0.25, "single": 0.6, "subset": 0}
    assert of(none=0.1, all=0.1, single=0.3, subset=0.5)["subset"] == 0.5
    with pytest.raises(ValidationError, match=r"sum to 1\.1"):
        of(subset=0.1)


def lines(text):
    return [line.removeprefix("- ") for line in text.splitlines()[1:]]
