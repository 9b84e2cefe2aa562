"""The Arrow schemas of preference pairs: of a source, of the training sets, of a benchmark."""

from __future__ import annotations

import pyarrow as pa

from themis.records.fields import required

PAIR_SCHEMAS: dict[str, pa.Schema] = {
    "collection": pa.schema(  # preference pairs of one source, before the filters
        [
            pa.field("idx", pa.string(), nullable=False),  # unique in the collection
            pa.field("input", pa.string()),  # null: the source gives no prompt
            *required(
                ("chosen", pa.string()),
                ("rejected", pa.string()),
                ("language", pa.string()),  # one of LANGUAGES, or NL
                ("aspect", pa.string()),
                ("source", pa.string()),
            ),
            pa.field("repositories", pa.list_(pa.string())),  # that hold the code; null: not known
        ]
    ),
    "preferences": pa.schema(
        [
            pa.field("system", pa.string()),  # null: the pair is shown without a system prompt
            *required(
                ("input", pa.string()),
                ("chosen", pa.string()),
                ("rejected", pa.string()),
                ("language", pa.string()),
                ("aspect", pa.string()),
                ("source", pa.string()),
                ("idx", pa.string()),
            ),
        ]
    ),
    "benchmark": pa.schema(
        required(
            ("id", pa.string()),
            ("prompt", pa.string()),
            ("chosen", pa.string()),
            ("rejected", pa.string()),
            ("aspect", pa.string()),
            ("language", pa.string()),
            ("subset", pa.string()),
        )
    ),
    "lengths": pa.schema(  # in how many pairs of a set the chosen response is the longer, in characters
        required(
            ("set", pa.string()),
            ("moment", pa.string()),  # before | after balancing
            ("source", pa.string()),  # of a benchmark: its subset
            ("aspect", pa.string()),
            ("language", pa.string()),
            ("longer", pa.int64()),  # pairs
            ("equal", pa.int64()),
            ("shorter", pa.int64()),
        )
    ),
}
