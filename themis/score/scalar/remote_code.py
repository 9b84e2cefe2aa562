"""A model that brings its own code: run only where its line of the registry allows it, one conversation at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from transformers import AutoModel

from themis.devices import placed
from themis.errors import Problem
from themis.records import file_digest
from themis.score.checkpoint import check_dtype, first_line, weight_files
from themis.score.head_scorer import HeadScorer
from themis.score.heads import LastState
from themis.score.options import ScorerOptions


class Logit(nn.Module):
    """The one number that a model gives for a whole conversation, at every position of it."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.config, self.device, self.dtype = model.config, model.device, model.dtype

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> SimpleNamespace:
        """Logits [N, T, 1]; every row is computed alone and without padding, however the model looks for its end.

        Raises Problem where the model gives no single number.
        """
        rewards = [self._alone(row[: int(mask.sum())]) for row, mask in zip(input_ids, attention_mask, strict=True)]
        return SimpleNamespace(last_hidden_state=torch.stack(rewards)[:, None, None].expand(*input_ids.shape, 1))

    def _alone(self, ids: torch.Tensor) -> torch.Tensor:
        logits = getattr(self.model(input_ids=ids[None], attention_mask=torch.ones_like(ids)[None]), "logits", None)
        if logits is None or logits.numel() != 1:
            raise Problem(f"{type(self.model).__name__} gives no single reward for a conversation")
        return logits.flatten()[0]


def load(options: ScorerOptions) -> HeadScorer:
    """The scorer of a checkpoint folder, run by the code in it. Raises Problem where that is not allowed."""
    if not options.trust_remote_code:
        raise Problem(
            f"model {options.name}: it runs code of its own; set trust_remote_code in its line if you have read that code"
        )
    check_dtype(options.dtype)
    weight_files(options.folder)
    try:
        model, found = AutoModel.from_pretrained(
            options.folder,
            dtype=getattr(torch, options.dtype),
            trust_remote_code=True,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError) as error:
        raise Problem(f"{options.folder}: it can't be loaded by its own code: {first_line(error)}") from None
    for kind in ("missing", "unexpected", "mismatched"):
        if names := sorted(str(name) for name in found[f"{kind}_keys"]):
            raise Problem(f"{options.folder}: {kind} weights for {type(model).__name__}: {', '.join(names[:3])}")
    model = placed(model)
    code = " ".join(file_digest(file) for file in sorted(options.folder.glob("**/*.py")))
    return HeadScorer(Logit(model), LastState(nn.Identity()), options, kind=f"remote_code {code}")
