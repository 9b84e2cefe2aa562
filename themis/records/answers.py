"""The Arrow schemas of what language models are asked: ratings, instructions, votes, faults."""

from __future__ import annotations

import pyarrow as pa

from themis.records.fields import required

ANSWER_SCHEMAS: dict[str, pa.Schema] = {
    "reviews": pa.schema(
        [
            *required(
                ("id", pa.string()), ("reviewer", pa.string()), ("criterion", pa.string()), ("sample", pa.int64())
            ),
            pa.field("rating", pa.float64()),  # 1-5; the expected value where read from probabilities
            pa.field("probabilities", pa.list_(pa.float64())),  # of the digits 1 to 5, summing to one
            pa.field("text", pa.string()),
            pa.field("finish_reason", pa.string()),  # stop | length | content_filter; null for probabilities
            pa.field("missing_reason", pa.string()),
        ]
    ),
    "instructions": pa.schema(
        [
            *required(("id", pa.string()), ("writer", pa.string()), ("style", pa.string())),
            pa.field("instruction", pa.string()),
            pa.field("text", pa.string()),
            pa.field("finish_reason", pa.string()),  # stop | length | content_filter; null for probabilities
            pa.field("missing_reason", pa.string()),
        ]
    ),
    "judgements": pa.schema(
        [
            *required(("id", pa.string()), ("judge", pa.string()), ("criterion", pa.string()), ("sample", pa.int64())),
            pa.field("chosen_first", pa.bool_(), nullable=False),
            pa.field("vote", pa.string()),  # A | B | TIE, as given
            pa.field("favours", pa.string()),  # chosen | rejected | tie
            pa.field("probabilities", pa.list_(pa.float64())),  # of A, B, TIE
            pa.field("text", pa.string()),
            pa.field("finish_reason", pa.string()),  # stop | length | content_filter; null for probabilities
            pa.field("missing_reason", pa.string()),
        ]
    ),
    "decisions": pa.schema(  # what all votes together say of a pair
        [
            *required(
                ("id", pa.string()),
                ("criterion", pa.string()),
                ("votes_chosen", pa.int64()),
                ("votes_rejected", pa.int64()),
                ("votes_tie", pa.int64()),
                ("votes_missing", pa.int64()),
            ),
            pa.field("lean", pa.float64()),  # -1 to 1, above 0: for chosen; null: no judge answered in both orders
            pa.field("confidence", pa.float64()),  # the size of the lean
            pa.field("decision", pa.string()),  # chosen | rejected | tie
        ]
    ),
    "bugs": pa.schema(  # programs with a fault put in
        [
            *required(("id", pa.string()), ("writer", pa.string())),  # writer: a language model, or "mutation"
            pa.field("operator", pa.string()),  # of mutation
            pa.field("code", pa.string()),  # the faulty program
            pa.field("text", pa.string()),  # what the model wrote
            pa.field("finish_reason", pa.string()),
            pa.field("missing_reason", pa.string()),
        ]
    ),
}
