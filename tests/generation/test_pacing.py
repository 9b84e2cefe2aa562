"""No minute sees more than it may, from the first on, and no time is lost where there is no limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from themis.generation.pacing import Pace

AMOUNTS = st.lists(st.tuples(st.floats(0, 30), st.floats(0, 40)), min_size=1, max_size=60)


@given(AMOUNTS)
def test_no_minute_sees_more_than_allowed(turns):
    pace, now, started = Pace(100, now=0.0), 0.0, []
    for amount, passed in turns:
        now += passed
        wait = pace.turn(amount, now)
        assert wait >= 0
        started.append((now + wait, amount))
    for start, _ in started:
        within = [amount for at, amount in started if start <= at < start + 60]
        assert sum(within[:-1]) <= 100 + 1e-6  # the last has only begun


def test_a_lone_turn_waits_for_nothing_and_corrections_and_pauses_move_the_next():
    pace = Pace(60, now=0.0)
    assert pace.turn(1, 10.0) == 0
    assert pace.turn(1, 10.0) == 1
    pace.correct(3)
    assert pace.turn(1, 10.0) == 5
    pace.pause(30, 10.0)
    assert pace.turn(1, 10.0) == 30
    free = Pace(None, now=0.0)
    assert [free.turn(9, 0.0) for _ in range(3)] == [0, 0, 0]
    free.pause(2, 0.0)
    assert free.turn(1, 0.0) == 2
