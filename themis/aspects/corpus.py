"""What the classifiers learn from: the kept training commits, and the texts of those that are chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from themis import records
from themis.aspects.sample import LabelledCommit, sample
from themis.aspects.seeds import Corpus
from themis.aspects.summary import change, full_message
from themis.aspects.terms import matches, near
from themis.progress import track
from themis.records.tables import check
from themis.vocabulary import CODE_CRITERIA

_MESSAGES = ("id", "commit", "repository", "path", "split", "subject", "message", "kept")
_CONTENTS = ("id", "path", "subject", "message", "old_contents", "new_contents")
_ROWS = 1024  # with their contents, held at a time


def scan(deduplicated: Path) -> tuple[Corpus, dict[str, LabelledCommit]]:
    """The kept training rows that are not in the sample read by eye, in order of id; and the id of each row that is.

    Messages are read and forgotten; a few hundred bytes a row are held.
    """
    labelled = {(one.commit, one.path): one for one in sample()}
    ids, repositories, hits, close = [], [], [], []
    sampled: dict[str, LabelledCommit] = {}
    for row in track(_rows(deduplicated), "terms"):
        if (row["commit"], row["path"]) in labelled:
            sampled[row["id"]] = labelled[row["commit"], row["path"]]
        elif row["kept"] and row["split"] == "train":
            message = full_message(row["subject"], row["message"])
            found = matches(message)
            ids.append(row["id"])
            repositories.append(row["repository"])
            hits.append([criterion in found for criterion in CODE_CRITERIA])
            close.append([near(message, criterion) for criterion in CODE_CRITERIA])
    order = sorted(range(len(ids)), key=ids.__getitem__)
    reached, words = (np.array(rows, bool).reshape(len(ids), len(CODE_CRITERIA))[order] for rows in (hits, close))
    return Corpus(
        [ids[at] for at in order],
        [repositories[at] for at in order],
        {criterion: reached[:, at] for at, criterion in enumerate(CODE_CRITERIA)},
        {criterion: words[:, at] for at, criterion in enumerate(CODE_CRITERIA)},
    ), sampled


def told(deduplicated: Path, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Whole message and change, as `summary.change` tells it, of the rows with these ids."""
    check(deduplicated, "deduplicated", _CONTENTS)
    wanted = pc.field("id").isin(pa.array(sorted(ids), pa.string()))
    found = {}
    batches = ds.dataset(deduplicated).to_batches(
        columns=list(_CONTENTS), filter=wanted, batch_size=_ROWS, batch_readahead=1, fragment_readahead=1
    )
    with_rows = (row for batch in batches for row in batch.to_pylist())
    for row in track(with_rows, "changes", len(ids)):
        message = full_message(row["subject"], row["message"])
        found[row["id"]] = (message, change(row["path"], row["old_contents"], row["new_contents"]))
    return found


def _rows(deduplicated: Path) -> Iterator[dict[str, object]]:
    for table in records.stream(deduplicated, "deduplicated", _MESSAGES):
        yield from table.to_pylist()
