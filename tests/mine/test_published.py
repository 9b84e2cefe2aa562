"""The published query's rows, by a plain reading of its facts, and how ours differ from them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from themis.cli import app
from themis.mine.published import compare, published_query
from themis.mine.query import lines
from themis.mine.warehouse import DuckDB
from themis.records import SCHEMAS, write
from themis.vocabulary import LICENSES, MINED_LANGUAGES

REPOSITORIES = {
    "a/mit": ("mit", ["Python", "C"]), "b/apache": ("apache-2.0", ["TypeScript"]), "c/gpl": ("gpl-3.0", ["Python"]),
    "d/rust": ("mit", ["Rust"]), "e/mit": ("mit", ["Go"]),
}  # fmt: skip
# The 24 entries that a message of more than 10 characters can equal; a shorter one and one with a newline never do.
REACHED = ("Update README.md", "can't you see I'm updating the time?", "various updates")
MESSAGES = [
    "a plain message", *REACHED, "wip", "no message", "update log", "update readme.md\n", " update readme.md", "Merge it all in",
    " merge it all in", "emerge it all in", "a pi push of it", "a push  pi of it", "x" * 10, "x" * 11, "x" * 9 + "\n\n", "y" * 14999,
    "y" * 14990 + "\n" * 20, "é" * 11,
]  # fmt: skip


def _row(i: int, **changed) -> dict:
    paths = changed.pop("paths", [f"src/{i}.py"])
    person = {"name": changed.pop("author", "Ada"), "email": "ada@example.org", "time_sec": 1_500_000_000 + i}
    changes = [
        {"old_mode": 33188, "new_mode": 33188, "old_path": old, "new_path": new, "old_sha1": "1" * 40, "new_sha1": "2" * 40}
        for old, new in ((path if isinstance(path, tuple) else (path, path)) for path in paths)
    ]  # fmt: skip
    return {
        "commit": f"{i:040x}", "subject": "a subject", "message": "a plain message", "author": person, "committer": person,
        "parent": ["p" * 40], "repo_name": ["a/mit"], "difference": changes, "difference_truncated": None,
    } | changed  # fmt: skip


def _tables(folder: Path, rows: list[dict]) -> DuckDB:
    for schema, found in {
        "commits": rows,
        "licenses": [{"repo_name": name, "license": key} for name, (key, _) in REPOSITORIES.items()],
        "languages": [
            {"repo_name": name, "language": [{"name": one, "bytes": 1} for one in spoken]}
            for name, (_, spoken) in REPOSITORIES.items()
        ],
    }.items():
        write(pa.Table.from_pylist(found, schema=SCHEMAS[schema]), folder / f"{schema}.parquet", schema)
    return DuckDB(folder, threads=1)


def _published(row: dict) -> Counter:
    """(path, licence, repositories) that the published query gives for a commit."""
    message = row["message"].lower()
    blocked = {text.lower() for text in REACHED} | {"update readme.md"}
    if not 10 < len(message) < 15000 or message in blocked or message.startswith("merge"):
        return Counter()
    if "pi push" in message or "push pi" in message:
        return Counter()
    by_license = defaultdict(set)
    for name in row["repo_name"]:
        key, spoken = REPOSITORIES[name]
        if key != "gpl-3.0" and spoken != ["Rust"]:
            by_license[key].add(name)
    return Counter(
        (path, key, ",".join(sorted(names)))
        for path in {change["old_path"] for change in row["difference"] if change["old_path"] == change["new_path"]}
        for key, names in by_license.items()
    )


def _compare(folder: Path, rows: list[dict], **settings) -> dict[str, int]:
    chosen = {"licenses": list(LICENSES), "languages": MINED_LANGUAGES, "min_message": 10, "max_message": 15000}
    return dict(compare(_tables(folder, rows), folder, **chosen | settings))


def test_published_rows_are_those_of_its_facts(tmp_path: Path):
    dice = random.Random(11)
    rows = [
        _row(
            i,
            message=dice.choice(MESSAGES),
            repo_name=sorted(dice.sample(sorted(REPOSITORIES), dice.choice([1, 1, 2, 3]))),
            paths=dice.choice([["a.py"], ["a.py", "b.py"], ["a.py", ("b.py", "c.py")], [("a.py", "b.py")], [(None, "a.py")], []]),
        )
        for i in range(400)
    ]  # fmt: skip
    with _tables(tmp_path, rows).run(published_query(), tmp_path) as (found,):
        table = pq.read_table(found).to_pylist()
    got = Counter((row["commit"], row["old_file"], row["license"], row["repos"]) for row in table)
    assert got == Counter({(row["commit"], *key): n for row in rows for key, n in _published(row).items()})
    assert {len(row["repos"].split(",")) for row in table} == {1, 2}
    assert all(row["old_file"] == row["new_file"] and row["unix_time"] and row["subject"] for row in table)


def test_of_45_blocked_messages_24_can_be_met():
    entries = lines("published_blocklist.txt")
    assert len(set(entries)) == len(entries) == 45
    assert sum(len(entry) > 10 for entry in entries) == 24


CASES = {  # one commit each: what is changed, rows of the published query, what the comparison says of them
    "nothing": ({}, 1, "in both"),
    "a short entry of the block list": ({"message": "wip"}, 0, None),
    "an entry and a newline": ({"message": "update readme.md\n"}, 1, "only published: block list"),
    "a merge after a blank": ({"message": " merge it all in"}, 1, "only published: message pattern"),
    "short but for its newlines": ({"message": "too short\n\n\n"}, 1, "only published: message length"),
    "two files": ({"paths": ["a.py", "b.py"]}, 2, "only published: not a single-file change"),
    "a file and a rename": ({"paths": ["a.py", ("b.py", "c.py")]}, 1, "only published: not a single-file change"),
    "a fork of another licence": ({"repo_name": ["a/mit", "b/apache"]}, 2, "only published: again, under another licence"),
    "a fork of the same licence": ({"repo_name": ["a/mit", "e/mit"]}, 1, "in both"),
    "cut off": ({"difference_truncated": True}, 1, "only published: difference truncated"),
    "a bot": ({"author": "renovate[bot]"}, 1, "only published: bot"),
    "two parents": ({"parent": ["p" * 40, "q" * 40]}, 1, "only published: merge commit"),
    "long but for its newlines": ({"message": "y" * 14990 + "\n" * 20}, 0, "only this: message length"),
    "no licence": ({"repo_name": ["c/gpl"]}, 0, None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_difference_has_its_reason(tmp_path: Path, case: str):
    changed, published, said = CASES[case]
    found = _compare(tmp_path, [_row(0, **changed)])
    assert found["rows of the published query"] == published
    assert said is None or found[said] >= 1
    assert found["rows of the published query"] == found["in both"] + sum(
        rows for what, rows in found.items() if what.startswith("only published")
    )
    assert found["rows of this query"] == found["in both"] + sum(
        rows for what, rows in found.items() if what.startswith("only this")
    )
    names = {what for what, rows in found.items() if rows and what.startswith("only")}
    assert names == ({said} if said and said.startswith("only") else set())


def test_the_comparison_adds_up_and_is_printed(tmp_path: Path):
    rows = [_row(i, **changed) for i, (changed, *_) in enumerate(CASES.values())]
    found = _compare(tmp_path, rows)
    assert found["rows of the published query"] == sum(published for _, published, _ in CASES.values()) == 13
    assert found["rows of this query"] == 4 and found["in both"] == 3
    assert _compare(tmp_path, rows, min_message=0)["in both"] == 4  # the one that is short but for its newlines
    told = CliRunner().invoke(app, ["compare-queries", str(tmp_path), "--threads", "1"], catch_exceptions=False).output
    for what, count in found.items():
        assert f"{what} " in told and f" {count}\n" in told
    assert {path.name for path in tmp_path.iterdir()} == {"commits.parquet", "licenses.parquet", "languages.parquet"}
