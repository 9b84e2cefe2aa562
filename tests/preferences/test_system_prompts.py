"""Which system prompt a pair is shown."""

import pytest

from themis.errors import Problem
from themis.preferences.system_prompts import Shares, draw
from themis.prompting.criteria import CRITERION_TEXTS, system_prompt
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
