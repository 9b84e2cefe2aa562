"""Which pairs of a preference table a stage trains on: some criteria, some languages, a fixed number, no system prompts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.compute as pc

from themis import chance

OTHER_CRITERION = "other criterion"
OTHER_LANGUAGE = "other language"
OVER_CAP = "over the cap"


@dataclass(frozen=True)
class Selection:
    """Empty `criteria` and `languages` are all of them, no `max_pairs` is no cap; `seed` picks the pairs under it, and
    the share `held_out` of the selected ones, which only measure."""

    criteria: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_pairs: int | None = None
    system: bool = True
    seed: int = 0
    held_out: float = 0.0

    @property
    def key(self) -> str:
        """A text that is the same for selections that pick the same pairs."""
        seed = self.seed if self.max_pairs or self.held_out else 0
        unordered = {"criteria": sorted(set(self.criteria)), "languages": sorted(set(self.languages)), "seed": seed}
        return json.dumps({**asdict(self), **unordered})

    def holds_out(self, idx: str) -> bool:
        """Whether a pair is held out; it hangs on its id alone, not on what else is selected."""
        return chance.uniform(self.seed, "held_out", idx) < self.held_out


def select(pairs: pa.Table, selection: Selection) -> tuple[pa.Table, Counter[str]]:
    """The pairs selected, in their order, without their system prompts where so said; and rows left out by reason.

    A row counts once, under the first reason of criterion, language, cap. The cap keeps the rows whose hash of (seed,
    idx) is lowest: of two caps the lower keeps a part of what the higher keeps, whatever order the rows come in.
    """
    left_out: Counter[str] = Counter()
    for column, kept, reason in (
        ("aspect", selection.criteria, OTHER_CRITERION),
        ("language", selection.languages, OTHER_LANGUAGE),
    ):
        if kept:
            before = pairs.num_rows
            pairs = pairs.filter(pc.is_in(pairs[column], value_set=pa.array(kept, pa.string())))
            left_out[reason] += before - pairs.num_rows
    if selection.max_pairs is not None and pairs.num_rows > selection.max_pairs:
        left_out[OVER_CAP] += pairs.num_rows - selection.max_pairs
        order = chance.order(selection.seed, "train max_pairs", pairs["idx"].to_pylist())
        pairs = pairs.take(sorted(order[: selection.max_pairs]))
    if not selection.system:
        nulls = pa.nulls(pairs.num_rows, pa.string())
        pairs = pairs.set_column(pairs.schema.get_field_index("system"), "system", nulls)
    return pairs, +left_out
