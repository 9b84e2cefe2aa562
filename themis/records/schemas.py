"""The Arrow schema of every table on disk, by name."""

from __future__ import annotations

import pyarrow as pa

from themis.records.answers import ANSWER_SCHEMAS
from themis.records.commits import COMMIT_SCHEMAS
from themis.records.fields import required
from themis.records.measures import MEASURE_SCHEMAS
from themis.records.pairs import PAIR_SCHEMAS
from themis.records.scores import SCORE_SCHEMAS

SCHEMAS: dict[str, pa.Schema] = {
    **COMMIT_SCHEMAS,
    **ANSWER_SCHEMAS,
    **PAIR_SCHEMAS,
    **SCORE_SCHEMAS,
    "attrition": pa.schema(
        [
            *required(
                ("stage", pa.string()), ("scope", pa.string()), ("rows_in", pa.int64()), ("rows_kept", pa.int64())
            ),
            pa.field("reason", pa.string()),  # null where nothing was dropped
            pa.field("rows_dropped", pa.int64(), nullable=False),
        ]
    ),
    "metrics": pa.schema(  # one number a row: classifiers, training, judges
        [
            *required(("stage", pa.string()), ("subject", pa.string()), ("metric", pa.string())),
            pa.field("step", pa.int64()),
            pa.field("value", pa.float64()),
        ]
    ),
    **MEASURE_SCHEMAS,
}
