"""The learning rate of every step: against transformers' own schedules, and at the edges."""

from __future__ import annotations

import pytest
import torch
from transformers import get_wsd_schedule

from themis.train.schedule import learning_rate

PEAK, FINAL = 2e-5, 1e-5


def _rates(steps, **settings):
    return [learning_rate(step, steps, peak=PEAK, final=FINAL, **settings) for step in range(steps)]


def _by_transformers(steps, rising, stable):
    """The rate after every update, as the published code logs it; its rise starts at the final rate."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler = get_wsd_schedule(
        optimizer, rising, steps - rising - stable, num_stable_steps=stable, min_lr_ratio=FINAL / PEAK
    )
    rates = []
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    return rates


@pytest.mark.parametrize(("steps", "warmup", "stable"), [(20, 0.1, 0.4), (100, 0.05, 0.7), (7, 0.3, 0.0)])
def test_wsd_is_the_published_schedule_from_the_peak_on(steps, warmup, stable):
    rising, at_peak = round(warmup * steps), round(stable * steps)
    rates = _rates(steps, warmup=warmup, stable=stable, schedule="wsd")
    assert rates[rising - 1 :] == pytest.approx(_by_transformers(steps, rising, at_peak)[rising - 1 :], rel=1e-9)
    assert rates[:rising] == pytest.approx([PEAK * (step + 1) / rising for step in range(rising)])


def test_wsd_has_the_shape_of_the_published_trace():
    rates = [rate / PEAK for rate in _rates(20, warmup=0.1, stable=0.4, schedule="wsd")]
    assert rates[1:10] == [1.0] * 9
    assert [round(rate, 4) for rate in (*rates[10:12], *rates[-2:])] == [0.9878, 0.9523, 0.5122, 0.5]


def test_cosine_is_wsd_without_a_stable_part():
    cosine = _rates(40, warmup=0.05, schedule="cosine", stable=0.7)
    assert cosine == _rates(40, warmup=0.05, schedule="wsd", stable=0.0)
    assert (max(cosine), cosine[1], cosine[-1]) == (PEAK, PEAK, FINAL)
    assert cosine[1:] == sorted(cosine[1:], reverse=True)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 101])
@pytest.mark.parametrize(("warmup", "stable"), [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.5, 0.5), (0.05, 0.7)])
def test_no_step_has_rate_zero_or_more_than_the_peak(steps, warmup, stable):
    for schedule in ("cosine", "wsd"):
        rates = _rates(steps, warmup=warmup, stable=stable, schedule=schedule)
        assert all(0 < rate <= PEAK for rate in rates) and max(rates) == PEAK
    if warmup + stable == 1:
        assert rates[-1] == PEAK
