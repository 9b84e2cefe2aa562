"""The seam of the scalar families: a head says which hidden states of a conversation it reads, and the reward."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


class Head(nn.Module):
    """What a family puts on a backbone; its weights are in float32 whatever the backbone computes in.

    `suffix` are ids that every conversation must end with.
    """

    suffix: tuple[int, ...] = ()

    def places(self, ids: np.ndarray) -> tuple[int, ...] | str:
        """Positions of a conversation's ids whose hidden states are read, or the reason why there are none."""
        return (len(ids) - 1,)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Rewards, float32 [N], of hidden states at the places, float32 [N, places, hidden]."""
        raise NotImplementedError


class LastState(Head):
    """A network from the last hidden state to one number."""

    def __init__(self, net: nn.Module, suffix: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.net = net
        self.suffix = suffix

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Rewards [N] of states [N, 1, hidden]."""
        return self.net(states[:, 0])[:, 0]


def linear(weight: torch.Tensor) -> nn.Linear:
    """A layer without bias of a given weight, [1, hidden]."""
    layer = nn.Linear(weight.shape[1], 1, bias=False, device="meta")
    layer.weight = nn.Parameter(weight.float(), requires_grad=False)
    return layer
