"""The training loss: Bradley-Terry, language modelling of the chosen response, and the magnitude of the rewards.

L = 1/P sum -log sigma(rc - rr - m)  +  lambda 1/T sum CE(chosen tokens)  +  mu 1/P sum f(rc, rr)      (paper section 4.2)

with the magnitude term added (the paper's printed sign rewards it). The margin m is 0 unless set; with label smoothing
e the first term is (1 - e) times itself plus e times -log sigma(-(rc - rr - m)). P pairs and T tokens are counted over
the whole optimiser step, all processes and micro-batches, so the gradient does not depend on how the step is cut.
"""

from __future__ import annotations

import torch
from torch.nn.functional import logsigmoid


def step_loss(
    rewards: torch.Tensor,
    token_loss: torch.Tensor | None,
    *,
    pairs: int,
    tokens: int,
    lm_weight: float,
    magnitude_weight: float,
    magnitude: str,
    margin: float = 0.0,
    label_smoothing: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """This micro-batch's share of the step's loss, and its sums.

    `rewards` is [B, 2] (chosen, rejected); `token_loss` the cross-entropy summed over its chosen tokens, or None;
    `pairs` and `tokens` are the counts of the whole step. The sums are float64 [7], detached: Bradley-Terry,
    language model, magnitude, pairs won (a tie is half a win), rc - rr, both rewards, their squares.
    """
    rewards = rewards.float()
    chosen, rejected = rewards.unbind(dim=1)
    lead = chosen - rejected - margin
    preference = -(1 - label_smoothing) * logsigmoid(lead).sum()
    if label_smoothing:
        preference = preference - label_smoothing * logsigmoid(-lead).sum()
    spread = magnitude_term(rewards, magnitude).sum()
    loss = preference / pairs
    if magnitude_weight:
        loss = loss + magnitude_weight * spread / pairs
    if token_loss is not None:
        loss = loss + lm_weight * token_loss / tokens
    won = (chosen > rejected).double() + 0.5 * (chosen == rejected).double()
    language = rewards.new_zeros(()) if token_loss is None else token_loss
    exact = rewards.double()
    told = [won, exact[:, 0] - exact[:, 1], exact, exact**2]
    sums = torch.stack([term.double().sum() for term in (preference, language, spread, *told)]).detach()
    return loss, sums


def magnitude_term(rewards: torch.Tensor, form: str) -> torch.Tensor:
    """The term of each pair, [B]: centering (rc+rr)^2, absolute (|rc|+|rr|)^2 (the published code's), or none."""
    if form == "centering":
        return rewards.sum(dim=1) ** 2
    if form == "absolute":
        return rewards.abs().sum(dim=1) ** 2
    return torch.zeros_like(rewards[:, 0])
