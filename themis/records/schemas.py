"""The Arrow schema of every table on disk, by name."""

from __future__ import annotations

import pyarrow as pa

from themis.records.measures import MEASURE_SCHEMAS
from themis.vocabulary import CODE_CRITERIA

_PERSON = pa.struct([pa.field("name", pa.string()), pa.field("email", pa.string()), pa.field("time_sec", pa.int64())])
_DIFFERENCE = pa.struct(
    [
        pa.field("old_mode", pa.int64()),
        pa.field("new_mode", pa.int64()),
        pa.field("old_path", pa.string()),
        pa.field("new_path", pa.string()),
        pa.field("old_sha1", pa.string()),
        pa.field("new_sha1", pa.string()),
    ]
)


def _required(*fields: tuple[str, pa.DataType]) -> list[pa.Field]:
    return [pa.field(name, kind, nullable=False) for name, kind in fields]


_MINED = _required(
    ("id", pa.string()),  # 32 hex digits: a hash of (commit, path)
    ("commit", pa.string()),
    ("repository", pa.string()),  # the first of `repositories`
    ("repositories", pa.list_(pa.string())),  # every repository that holds the commit, sorted
    ("license", pa.string()),
    ("path", pa.string()),
    ("old_mode", pa.int64()),  # as the public data set has it: the octal mode of git as a number
    ("new_mode", pa.int64()),
    ("old_blob", pa.string()),
    ("new_blob", pa.string()),
    ("subject", pa.string()),
    ("message", pa.string()),
    ("committed_at", pa.int64()),  # seconds since the epoch
)
_SELECTED = _MINED + _required(("language", pa.string()), ("split", pa.string()))
_RETRIEVED = _SELECTED + _required(
    ("old_contents", pa.string()), ("new_contents", pa.string()), ("encoding", pa.string())
)
_DEDUPLICATED = _RETRIEVED + _required(("cluster_id", pa.string()), ("kept", pa.bool_()))
_LABELLED = (
    _DEDUPLICATED
    + _required(*((criterion.value, pa.float64()) for criterion in CODE_CRITERIA))
    + [
        pa.field("aspect", pa.string()),  # the criterion with the highest probability, null below the threshold
        pa.field("reached", pa.string(), nullable=False),  # term | classifier | none
    ]
)
_SCORES = [
    *_required(("model", pa.string()), ("benchmark", pa.string()), ("id", pa.string())),
    pa.field("chosen_score", pa.float64()),
    pa.field("rejected_score", pa.float64()),
    pa.field("outcome", pa.string(), nullable=False),  # win | tie | loss | missing
    pa.field("missing_reason", pa.string()),
    pa.field("truncated", pa.bool_()),  # whether the model saw less than the whole pair; null: not known
    *_required(
        ("prompt_mode", pa.string()), ("aspect", pa.string()), ("language", pa.string()), ("subset", pa.string())
    ),
]

SCHEMAS: dict[str, pa.Schema] = {
    # The three tables of the BigQuery public dataset `github_repos`, as far as the query reads them.
    "commits": pa.schema(
        [
            *_required(("commit", pa.string()), ("subject", pa.string()), ("message", pa.string())),
            pa.field("author", _PERSON),
            pa.field("committer", _PERSON),
            pa.field("parent", pa.list_(pa.string())),
            pa.field("repo_name", pa.list_(pa.string())),
            pa.field("difference", pa.list_(_DIFFERENCE)),
            pa.field("difference_truncated", pa.bool_()),
        ]
    ),
    "licenses": pa.schema(_required(("repo_name", pa.string()), ("license", pa.string()))),
    "languages": pa.schema(
        [
            pa.field("repo_name", pa.string(), nullable=False),
            pa.field(
                "language",
                pa.list_(pa.struct([pa.field("name", pa.string()), pa.field("bytes", pa.int64())])),
                nullable=False,
            ),
        ]
    ),
    # Whether each commit reached its repository's main line: of a clone, or of a pull request that GHTorrent knows.
    "merges": pa.schema(
        [
            *_required(
                ("repo_name", pa.string()), ("commit", pa.string()), ("merged", pa.bool_()), ("reverted", pa.bool_())
            ),
            pa.field("how", pa.string()),  # direct | squash | merge | pull request; null where it was not merged
        ]
    ),
    # Where the repositories lie, and how many commits an independent count finds.
    "repositories": pa.schema(
        [
            *_required(
                ("repo_name", pa.string()), ("path", pa.string()), ("head", pa.string()), ("commits", pa.int64())
            ),
            pa.field("url", pa.string()),  # null unless the user gave a URL to clone
        ]
    ),
    # Repositories found below a root that could not be read, or had another one's name.
    "skipped": pa.schema(_required(("path", pa.string()), ("reason", pa.string()))),
    # Repositories that share a commit: enough pairs to connect all of them.
    "forks": pa.schema(_required(("repo_name", pa.string()), ("other", pa.string()))),
    # What each repository answered when asked for contents.
    "attempts": pa.schema(
        [
            *_required(
                ("repo_name", pa.string()),
                ("source", pa.string()),  # the folder or URL asked; "" where there is none to ask
                ("wanted", pa.int64()),  # blobs asked for
                ("found", pa.int64()),
                ("requests", pa.int64()),  # fetches over the network, the repeated ones too; 0 for a folder
            ),
            pa.field("error", pa.string()),  # why it was given up; null where it answered
        ]
    ),
    "demo": pa.schema(  # what the demo corpus knows of its own commits; no stage reads it, tests and notebooks do
        _required(
            ("repository", pa.string()),
            ("commit", pa.string()),
            ("kind", pa.string()),  # improvement, or the kind of noise
            ("criterion", pa.string()),
            ("language", pa.string()),
            ("family", pa.string()),
            ("path", pa.string()),
            ("window", pa.string()),
            ("old_length", pa.int64()),
            ("new_length", pa.int64()),
        )
    ),
    "mined": pa.schema(_MINED),
    "selected": pa.schema(_SELECTED),
    "retrieved": pa.schema(_RETRIEVED),
    "deduplicated": pa.schema(_DEDUPLICATED),
    "labelled": pa.schema(_LABELLED),
    "aspects": pa.schema([pa.field("id", pa.string(), nullable=False), *_LABELLED[len(_DEDUPLICATED) :]]),
    "curves": pa.schema(  # precision and recall of a criterion's classifier at each threshold
        [
            *_required(
                ("criterion", pa.string()),
                ("data", pa.string()),  # held_out | sample
                ("threshold", pa.float64()),
                ("precision", pa.float64()),
                ("recall", pa.float64()),
            )
        ]
    ),
    "term_quality": pa.schema(  # of a list of search terms, on commits read by eye
        [
            *_required(
                ("criterion", pa.string()),
                ("terms", pa.string()),  # ours | reference
                ("half", pa.string()),  # of the sample: tuning | report | all
                ("measure", pa.string()),  # precision | recall | shared | shared_right
                ("commits", pa.int64()),
                ("part", pa.int64()),  # of them
            ),
            *(pa.field(name, pa.float64()) for name in ("value", "low", "high")),
        ]
    ),
    "reviews": pa.schema(
        [
            *_required(
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
            *_required(("id", pa.string()), ("writer", pa.string()), ("style", pa.string())),
            pa.field("instruction", pa.string()),
            pa.field("text", pa.string()),
            pa.field("finish_reason", pa.string()),  # stop | length | content_filter; null for probabilities
            pa.field("missing_reason", pa.string()),
        ]
    ),
    "judgements": pa.schema(
        [
            *_required(("id", pa.string()), ("judge", pa.string()), ("criterion", pa.string()), ("sample", pa.int64())),
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
            *_required(
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
            *_required(("id", pa.string()), ("writer", pa.string())),  # writer: a language model, or "mutation"
            pa.field("operator", pa.string()),  # of mutation
            pa.field("code", pa.string()),  # the faulty program
            pa.field("text", pa.string()),  # what the model wrote
            pa.field("finish_reason", pa.string()),
            pa.field("missing_reason", pa.string()),
        ]
    ),
    "collection": pa.schema(  # preference pairs of one source, before the filters
        [
            pa.field("idx", pa.string(), nullable=False),  # unique in the collection
            pa.field("input", pa.string()),  # null: the source gives no prompt
            *_required(
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
            *_required(
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
        _required(
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
        _required(
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
    "scores": pa.schema(_SCORES),
    "rerank_set": pa.schema(  # candidate solutions of problems, run against their tests
        [
            *_required(
                ("question", pa.string()),
                ("prompt", pa.string()),
                ("language", pa.string()),
                ("id", pa.string()),  # of the candidate, unique in the set
                ("completion", pa.string()),
                ("source", pa.string()),  # canonical | mutant | the name of the language model that wrote it
            ),
            pa.field("edits", pa.int64()),  # faults put into a mutant
            *_required(("passed", pa.int64()), ("failed", pa.int64())),  # tests
            pa.field("verdict", pa.bool_()),  # whether all tests passed; null: not run
        ]
    ),
    "rerank": pa.schema(  # a model's score for each candidate of a re-ranking set
        [
            *_required(
                ("model", pa.string()), ("question", pa.string()), ("language", pa.string()), ("id", pa.string())
            ),
            pa.field("score", pa.float64()),
            pa.field("missing_reason", pa.string()),
            *_required(
                ("truncated", pa.bool_()), ("prompt_mode", pa.string()), ("passed", pa.int64()), ("failed", pa.int64())
            ),
            pa.field("verdict", pa.bool_()),
        ]
    ),
    "benchmarks": pa.schema(  # every model's accuracy on public benchmarks; see themis.analysis.benchmarks
        [
            *_required(
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
    "attrition": pa.schema(
        [
            *_required(
                ("stage", pa.string()), ("scope", pa.string()), ("rows_in", pa.int64()), ("rows_kept", pa.int64())
            ),
            pa.field("reason", pa.string()),  # null where nothing was dropped
            pa.field("rows_dropped", pa.int64(), nullable=False),
        ]
    ),
    "metrics": pa.schema(  # one number a row: classifiers, training, judges
        [
            *_required(("stage", pa.string()), ("subject", pa.string()), ("metric", pa.string())),
            pa.field("step", pa.int64()),
            pa.field("value", pa.float64()),
        ]
    ),
    **MEASURE_SCHEMAS,
}
