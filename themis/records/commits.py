"""The Arrow schemas of commits: as they are mined, and as the stages keep and label them."""

from __future__ import annotations

import pyarrow as pa

from themis.records.fields import required
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

_MINED = required(
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
_SELECTED = _MINED + required(("language", pa.string()), ("split", pa.string()))
_RETRIEVED = _SELECTED + required(
    ("old_contents", pa.string()), ("new_contents", pa.string()), ("encoding", pa.string())
)
_DEDUPLICATED = _RETRIEVED + required(("cluster_id", pa.string()), ("kept", pa.bool_()))
_LABELLED = (
    _DEDUPLICATED
    + required(*((criterion.value, pa.float64()) for criterion in CODE_CRITERIA))
    + [
        pa.field("aspect", pa.string()),  # the criterion with the highest probability, null below the threshold
        pa.field("reached", pa.string(), nullable=False),  # term | classifier | none
    ]
)

COMMIT_SCHEMAS: dict[str, pa.Schema] = {
    # The three tables of the BigQuery public dataset `github_repos`, as far as the query reads them.
    "commits": pa.schema(
        [
            *required(("commit", pa.string()), ("subject", pa.string()), ("message", pa.string())),
            pa.field("author", _PERSON),
            pa.field("committer", _PERSON),
            pa.field("parent", pa.list_(pa.string())),
            pa.field("repo_name", pa.list_(pa.string())),
            pa.field("difference", pa.list_(_DIFFERENCE)),
            pa.field("difference_truncated", pa.bool_()),
        ]
    ),
    "licenses": pa.schema(required(("repo_name", pa.string()), ("license", pa.string()))),
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
            *required(
                ("repo_name", pa.string()), ("commit", pa.string()), ("merged", pa.bool_()), ("reverted", pa.bool_())
            ),
            pa.field("how", pa.string()),  # direct | squash | merge | pull request; null where it was not merged
        ]
    ),
    # Where the repositories lie, and how many commits an independent count finds.
    "repositories": pa.schema(
        [
            *required(
                ("repo_name", pa.string()), ("path", pa.string()), ("head", pa.string()), ("commits", pa.int64())
            ),
            pa.field("url", pa.string()),  # null unless the user gave a URL to clone
        ]
    ),
    # Repositories found below a root that could not be read, or had another one's name.
    "skipped": pa.schema(required(("path", pa.string()), ("reason", pa.string()))),
    # Repositories that share a commit: enough pairs to connect all of them.
    "forks": pa.schema(required(("repo_name", pa.string()), ("other", pa.string()))),
    # What each repository answered when asked for contents.
    "attempts": pa.schema(
        [
            *required(
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
        required(
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
            *required(
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
            *required(
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
}
