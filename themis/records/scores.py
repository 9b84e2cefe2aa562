"""The Arrow schemas of reward models' scores: of pairs, of candidates, and their accuracies on public benchmarks."""

from __future__ import annotations

import pyarrow as pa

from themis.records.fields import required

SCORE_SCHEMAS: dict[str, pa.Schema] = {
    "scores": pa.schema(
        [
            *required(("model", pa.string()), ("benchmark", pa.string()), ("id", pa.string())),
            pa.field("chosen_score", pa.float64()),
            pa.field("rejected_score", pa.float64()),
            pa.field("outcome", pa.string(), nullable=False),  # win | tie | loss | missing
            pa.field("missing_reason", pa.string()),
            pa.field("truncated", pa.bool_()),  # whether the model saw less than the whole pair; null: not known
            *required(
                ("prompt_mode", pa.string()),
                ("aspect", pa.string()),
                ("language", pa.string()),
                ("subset", pa.string()),
            ),
        ]
    ),
    "rerank_set": pa.schema(  # candidate solutions of problems, run against their tests
        [
            *required(
                ("question", pa.string()),
                ("prompt", pa.string()),
                ("language", pa.string()),
                ("id", pa.string()),  # of the candidate, unique in the set
                ("completion", pa.string()),
                ("source", pa.string()),  # canonical | mutant | the name of the language model that wrote it
            ),
            pa.field("edits", pa.int64()),  # faults put into a mutant
            *required(("passed", pa.int64()), ("failed", pa.int64())),  # tests
            pa.field("verdict", pa.bool_()),  # whether all tests passed; null: not run
        ]
    ),
    "rerank": pa.schema(  # a model's score for each candidate of a re-ranking set
        [
            *required(
                ("model", pa.string()), ("question", pa.string()), ("language", pa.string()), ("id", pa.string())
            ),
            pa.field("score", pa.float64()),
            pa.field("missing_reason", pa.string()),
            *required(
                ("truncated", pa.bool_()), ("prompt_mode", pa.string()), ("passed", pa.int64()), ("failed", pa.int64())
            ),
            pa.field("verdict", pa.bool_()),
        ]
    ),
    "benchmarks": pa.schema(  # every model's accuracy on public benchmarks; see themis.analysis.benchmarks
        [
            *required(
                ("model", pa.string()),
                ("benchmark", pa.string()),
                ("by", pa.string()),  # overall | section, of the benchmark's own rule | aspect | language | subset
                ("group", pa.string()),
                ("n", pa.int64()),
                ("missing", pa.int64()),
            ),
            *(
                pa.field(name, pa.float64(), nullable=False)
                for name in ("strict", "strict_low", "strict_high", "half_credit", "low", "high")
            ),
            *(pa.field(name, pa.int64()) for name in ("longer", "equal", "shorter")),  # null for sections
            *(pa.field(name, pa.float64()) for name in ("controlled", "controlled_low", "controlled_high")),
        ]
    ),
}
