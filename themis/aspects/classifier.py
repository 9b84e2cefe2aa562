"""One ModernBERT that tells how likely a commit improves one criterion: fit, calibrate, keep, ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from themis import chance
from themis.errors import Problem
from themis.progress import bar, track

_CALIBRATION = "calibration.json"
_BATCH = 64


@dataclass(frozen=True)
class Schedule:
    """How a classifier is fitted: AdamW, a tenth of the steps of linear warm-up, then linear decay to zero."""

    epochs: int
    batch_size: int
    learning_rate: float


@dataclass
class Classifier:
    """A model with one logit, its tokenizer, and Platt's calibration: probability = sigmoid(scale x logit + shift)."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    scale: float = 1.0
    shift: float = 0.0

    def probabilities(self, texts: Sequence[str], label: str | None = None) -> np.ndarray:
        """The probability of each text, float64 [N], to four decimals: batches of other texts do not show in it."""
        return self.calibrated(self.logits(texts, label))

    def calibrated(self, logits: np.ndarray) -> np.ndarray:
        """The probability that each logit stands for."""
        return np.round(sigmoid(self.scale * logits + self.shift), 4)

    @torch.inference_mode()
    def logits(self, texts: Sequence[str], label: str | None = None) -> np.ndarray:
        """The uncalibrated logit of each text, float64 [N]; progress is shown under `label` where one is given."""
        self.model.eval()
        encoded = self._encode(texts)
        order = sorted(range(len(texts)), key=lambda at: (len(encoded[at]), encoded[at]))
        values = np.zeros(len(texts))
        batches = [order[first : first + _BATCH] for first in range(0, len(order), _BATCH)]
        for part in track(batches, label, unit="batch") if label else batches:
            values[part] = self._forward([encoded[at] for at in part]).double().cpu().numpy()
        return values

    def fit(
        self,
        texts: Sequence[str],
        positive: np.ndarray,
        ids: Sequence[str],
        schedule: Schedule,
        seed: int,
        label: str = "classifier",
    ) -> None:
        """Train on labelled texts with binary cross-entropy; a hash of (seed, id) orders each epoch."""
        encoded = self._encode(texts)
        targets = torch.tensor(positive, dtype=torch.float32, device=self.model.device)
        steps = schedule.epochs * -(-len(texts) // schedule.batch_size)
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=schedule.learning_rate, weight_decay=0.01)
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / max(1, steps // 10), (steps - step) / max(1, steps - steps // 10))
        )
        self.model.train()
        with torch.random.fork_rng(), bar(label, steps, unit="step") as shown:
            torch.manual_seed(chance.digest(seed, "aspects/dropout", "") >> 1)
            for epoch in range(schedule.epochs):
                order = chance.order(seed, f"aspects/epoch/{epoch}", ids)
                for first in range(0, len(order), schedule.batch_size):
                    part = order[first : first + schedule.batch_size]
                    logits = self._forward([encoded[at] for at in part])
                    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets[part])
                    optimizer.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                    optimizer.step()
                    rate.step()
                    shown.update()

    def calibrate(self, logits: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> None:
        """Fit scale >= 0 and shift to held-out logits, with the smoothed targets of Platt (1999).

        Each row counts by its weight: the commits it stands for, so that a probability is the share of commits like it
        that improve the criterion. Without both classes the calibration stays as it is.
        """
        from scipy.optimize import minimize

        ones, zeros = int(positive.sum()), int((~positive).sum())
        if not ones or not zeros:
            return
        targets = np.where(positive, (ones + 1) / (ones + 2), 1 / (zeros + 2))
        shares = weights / weights.sum()

        def loss(given: np.ndarray) -> float:
            z = given[0] * logits + given[1]
            return float(shares @ (np.logaddexp(0, z) - targets * z))

        found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.0, 100.0), (-100.0, 100.0)])
        self.scale, self.shift = (round(float(value), 6) for value in found.x)

    def save(self, folder: Path) -> None:
        """Write weights as safetensors, tokenizer and calibration as JSON."""
        _quiet()
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        for file in folder.glob("*.safetensors"):
            file.chmod(0o644)  # the library leaves it to its owner alone
        values = {"max_tokens": self.max_tokens, "scale": self.scale, "shift": self.shift}
        (folder / _CALIBRATION).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Read what `save` wrote; raises Problem where a part is missing or unreadable."""
        try:
            values = json.loads((folder / _CALIBRATION).read_text(encoding="utf-8"))
            numbers = (int(values["max_tokens"]), float(values["scale"]), float(values["shift"]))
        except (OSError, ValueError, KeyError, TypeError):
            raise Problem(f"{folder}: not a classifier; run train-aspects again") from None
        model, tokenizer = pretrained(str(folder))
        return cls(model, tokenizer, *numbers)

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        return self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]

    def _forward(self, rows: list[list[int]]) -> torch.Tensor:
        length = max(map(len, rows))
        ids = torch.full((len(rows), length), self.tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), length), dtype=torch.long)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = torch.tensor(row)
            mask[at, : len(row)] = 1
        device = self.model.device
        return self.model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits[:, 0].float()


def pretrained(base: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Model and tokenizer of a folder or hub id, with one logit; raises Problem where they cannot be loaded."""
    _quiet()
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
        model = AutoModelForSequenceClassification.from_pretrained(
            base, num_labels=1, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise Problem(f"{base}: no ModernBERT can be loaded from there ({reason})") from None
    return model.to(_device()), tokenizer


def sigmoid(values: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow."""
    return np.exp(-np.logaddexp(0, -values))


def _quiet() -> None:
    """Keep the library's bars over single files out of the logs."""
    transformers_logging.disable_progress_bar()


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
