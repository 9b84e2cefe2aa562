"""The cluster bootstrap of every model's accuracy at once, by group; each group is drawn once and kept."""

from __future__ import annotations

import numpy as np

from themis.analysis import intervals
from themis.analysis.panel import OVERALL, Panel


class Resampler:
    """Bootstrap means over whole prompts of a panel's groups.

    The draws of a group depend on the seed and the group's name, and are the same for every model, so that models can be
    compared draw by draw. Groups are drawn independently of each other.
    """

    def __init__(self, panel: Panel, seed: int, resamples: int = intervals.RESAMPLES) -> None:
        self.panel = panel
        self.resamples = resamples
        self._seed = seed
        self._values = np.concatenate([panel.strict, panel.half_credit], axis=1)
        self._kept: dict[tuple[str, str], np.ndarray] = {}

    def strict(self, by: str, group: str) -> np.ndarray:
        """[resamples, M] means of strict credit."""
        return self._draws(by, group)[:, : len(self.panel.models)]

    def half_credit(self, by: str, group: str) -> np.ndarray:
        """[resamples, M] means with half credit for ties."""
        return self._draws(by, group)[:, len(self.panel.models) :]

    def _draws(self, by: str, group: str) -> np.ndarray:
        key = ("", OVERALL) if group == OVERALL else (by, group)
        if key not in self._kept:
            members = self.panel.members(by, group)
            source = intervals.generator(self._seed, " ".join(key).strip())
            means = intervals.resampled_means(
                self._values[members], self.panel.cluster[members], source, self.resamples
            )
            self._kept[key] = means.astype(np.float32)
        return self._kept[key]
