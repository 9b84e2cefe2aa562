"""The mining query keeps what a plain reading of the paper keeps, and accounts for everything else."""

from __future__ import annotations

import hashlib
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot
from sqlglot.dialects import BigQuery

from themis.errors import Problem
from themis.mine.mining import mine
from themis.mine.published import published_query
from themis.mine.query import blocked_messages, forks_query, mining_query
from themis.mine.warehouse import DuckDB
from themis.records import SCHEMAS, gather, read, write
from themis.vocabulary import LICENSES, MINED_LANGUAGES, PUBLIC_DATASET

LICENSE_OF = {"a/mit": "mit", "b/gpl": "gpl-3.0", "c/apache": "apache-2.0", "d/lgpl": "lgpl-2.1", "e/none": "", "f/mit": "mit"}  # fmt: skip
LANGUAGES_OF = {
    "a/mit": ["Python", "C", "Go"], "b/gpl": ["Python"], "c/apache": ["TypeScript", "Ruby"], "d/lgpl": ["Java"],
    "e/none": ["Go"], "f/mit": ["Rust"], "g/unlicensed": ["Python"],
}  # fmt: skip
MESSAGES = [
    "fix the reader of tables", "  padded message \n", "x" * 10, "x" * 11, " " + "é" * 10 + "\n", "é" * 11, "y" * 14999,
    "y" * 15000, "Update   README.md\n", "WIP\n", "Can't you see I'm updating the time?", "Merge the two", "  merge it all",
    "emerge from the merge", "raspberry Pi  Push now", "push PI later on", "it's a \\ 100% 'quoted' message\nline",
    "Update NAME", " create  NAME\n", "Update NAME again", "Updates NAME", "update src/NAME",
]  # fmt: skip
AUTHORS = [
    ("Ada", "ada@example.org"), ("dependabot[bot]", "x@users"), ("Renovate Bot", "bot@renovateapp.com"),
    ("Abbot", "abbot@monastery.org"), ("Snyk bot", "support@snyk.io"), ("greenkeeper[bot]", "g@x"), ("", ""), ("deploy-bot", "d@x"),
]  # fmt: skip


def _ours(dataset: str) -> str:
    return mining_query(list(LICENSES), MINED_LANGUAGES, 10, 15000, dataset=dataset)


def _row(i: int, **changed) -> dict:
    path = changed.pop("path", f"src/file {i}.py")
    change = {
        "old_mode": 33188, "new_mode": 33188, "old_path": path, "new_path": path, "old_sha1": "0" * 39 + "1", "new_sha1": "0" * 39 + "2",
    }  # fmt: skip
    person = {"name": "Ada", "email": "ada@example.org", "time_sec": 1_500_000_000 + i}
    return {
        "commit": hashlib.sha1(str(i).encode()).hexdigest(),
        "subject": "a subject",
        "message": "a message that is long enough\n",
        "author": person,
        "committer": person,
        "parent": ["p" * 40],
        "repo_name": ["a/mit"],
        "difference": [change | changed.pop("change", {})],
        "difference_truncated": False,
    } | changed


def _tables(folder: Path, rows: list[dict]) -> DuckDB:
    write(pa.Table.from_pylist(rows, schema=SCHEMAS["commits"]), folder / "commits.parquet", "commits")
    licenses = [{"repo_name": name, "license": key} for name, key in LICENSE_OF.items()]
    write(pa.Table.from_pylist(licenses, schema=SCHEMAS["licenses"]), folder / "licenses.parquet", "licenses")
    languages = [
        {"repo_name": name, "language": [{"name": one, "bytes": 1} for one in spoken]}
        for name, spoken in LANGUAGES_OF.items()
    ]
    write(pa.Table.from_pylist(languages, schema=SCHEMAS["languages"]), folder / "languages.parquet", "languages")
    return DuckDB(folder, threads=1)


def _mine(folder: Path, rows: list[dict], classes=tuple(LICENSES), least=10, most=15000):
    mine(
        _tables(folder, rows), folder / "mined.parquet", folder / "ledger.parquet", folder / "forks.parquet",
        licenses=classes, languages=MINED_LANGUAGES, min_message=least, max_message=most,
    )  # fmt: skip
    mined = read(folder / "mined.parquet", "mined")
    ledger = gather([folder / "ledger.parquet"], folder / "attrition.parquet").to_pylist()
    assert {row["rows_in"] for row in ledger} == {len(rows)}
    return mined.to_pylist(), {row["reason"]: row["rows_dropped"] for row in ledger}


def _expected(row: dict, classes: tuple[str, ...]) -> str | list[str]:
    """The repositories a row is kept with, or the reason it is dropped, without any SQL."""
    keys = {key for name in classes for key in LICENSES[name]}
    spoken = {"C", "C#", "C++", "Go", "Java", "JavaScript", "Python", "Ruby", "TypeScript"}
    licensed = [name for name in row["repo_name"] if LICENSE_OF.get(name) in keys]
    good = sorted(name for name in licensed if spoken & set(LANGUAGES_OF[name]))
    if len(row["parent"] or []) > 1:
        return "merge commit"
    if row["difference_truncated"]:
        return "difference truncated"
    if len(row["difference"] or []) != 1:
        return "not a single-file change"
    change = row["difference"][0]
    if None in (change["old_path"], change["new_path"]) or change["old_path"] != change["new_path"]:
        return "added, deleted or renamed"
    if change["old_sha1"] == change["new_sha1"]:
        return "contents unchanged"
    if None in (change["old_mode"], change["new_mode"]):
        return "no file mode"
    if "\ufffd" in change["old_path"]:
        return "path not UTF-8"
    if not licensed:
        return "licence"
    if not good:
        return "language of repository"
    trimmed = row["message"].strip(" \t\n\r\f")
    plain = re.sub(r"[ \t\n\r\f]+", " ", trimmed).lower()
    if plain in blocked_messages()[0]:
        return "block list"
    if "pi push" in plain or "push pi" in plain or plain.startswith("merge"):
        return "message pattern"
    if plain in [f"{verb} {change['new_path'].rpartition('/')[2].lower()}" for verb in ("update", "create")]:
        return "names the file only"
    if not 10 < len(trimmed) < 15000:
        return "message length"
    if (row["author"]["name"], row["author"]["email"]) not in (AUTHORS[0], AUTHORS[3], ("", "")):
        return "bot"
    return good if row["committer"]["time_sec"] is not None else "no date"


def test_query_agrees_with_a_plain_reading(tmp_path: Path):
    dice = random.Random(20260)
    rows = []
    for i in range(600):
        row = _row(i)
        changes = dice.choices(
            ["message", "author", "repo_name", "difference", "parent", "else"], k=dice.choice([1, 2])
        )
        if "message" in changes:
            row["message"] = dice.choice(MESSAGES).replace("NAME", f"File {i}.PY")
        if "author" in changes:
            name, email = dice.choice(AUTHORS)
            row["author"] = {"name": name, "email": email, "time_sec": 1}
        if "repo_name" in changes:
            row["repo_name"] = sorted(dice.sample(sorted(LANGUAGES_OF), dice.choice([1, 1, 2, 4])))
        if "difference" in changes:
            change = row["difference"][0]
            added = change | {"old_path": None, "old_sha1": None, "old_mode": None}
            row["difference"] = dice.choice(
                [[], None, [change, change], [added], [change | {"new_path": "b"}], [change | {"new_sha1": change["old_sha1"]}],
                 [change | {"new_mode": None}],
                 [change | {"old_path": "\ufffdcaf\\xe9", "new_path": "\ufffdcaf\\xe9"}]]
            )  # fmt: skip
        if "parent" in changes:
            row["parent"] = dice.choice([["p" * 40, "q" * 40], [], None])
        if "else" in changes:
            row["difference_truncated"] = dice.choice([True, None])
            row["committer"] = row["committer"] | {"time_sec": dice.choice([None, 0])}
        rows.append(row)
    for classes in (tuple(LICENSES), ("permissive",)):
        mined, reasons = _mine(tmp_path, rows, classes)
        expected = {row["commit"]: _expected(row, classes) for row in rows}
        kept = {commit: names for commit, names in expected.items() if isinstance(names, list)}
        assert {row["commit"]: row["repositories"] for row in mined} == kept
        dropped = [why for why in expected.values() if isinstance(why, str)]
        assert reasons == {why: dropped.count(why) for why in set(dropped)}
        assert len(reasons) == 15
    assert all(row["license"] == LICENSE_OF[row["repositories"][0]] for row in mined)
    assert [row["id"] for row in mined] == sorted(row["id"] for row in mined)
    one = mined[0]
    assert one["id"] == hashlib.sha256(f"{one['commit']}\0{one['path']}".encode()).hexdigest()[:32]


def test_every_blocked_message_is_reached(tmp_path: Path):
    messages, patterns = blocked_messages()
    assert len(messages) == len(set(messages)) == 45
    assert all(message == " ".join(message.lower().split()) for message in messages)
    assert {len(message) <= 10 for message in messages} == {True, False}
    rows = [_row(i, message=f"\n {message.upper().replace(' ', '  ')} \n") for i, message in enumerate(messages)]
    rows += [_row(100 + i, message=pattern.replace("%", " and ").strip()) for i, pattern in enumerate(patterns[:2])]
    mined, reasons = _mine(tmp_path, rows)
    assert mined == []
    assert reasons == {"block list": 45, "message pattern": 2}


def test_rows_do_not_depend_on_the_order_of_the_tables(tmp_path: Path):
    rows = [_row(i, repo_name=["a/mit", "c/apache", "b/gpl"]) for i in range(50)]
    _mine(tmp_path / "one", rows)
    _mine(tmp_path / "two", rows[::-1])
    assert (tmp_path / "one/mined.parquet").read_bytes() == (tmp_path / "two/mined.parquet").read_bytes()
    table = read(tmp_path / "one/mined.parquet", "mined")
    assert set(map(tuple, table["repositories"].to_pylist())) == {("a/mit", "c/apache")}


@pytest.mark.parametrize("make", [_ours, forks_query, published_query])
def test_queries_are_single_bigquery_statements_over_the_public_tables(make):
    sql = make(PUBLIC_DATASET)
    (statement,) = sqlglot.parse(sql, read="bigquery")
    common = {one.alias for one in statement.find_all(sqlglot.exp.CTE)}
    tables = [".".join(part.name for part in table.parts) for table in statement.find_all(sqlglot.exp.Table)]
    public = {name.removeprefix(f"{PUBLIC_DATASET}.") for name in tables if name.startswith(PUBLIC_DATASET)}
    assert public == ({"commits"} if make is forks_query else {"commits", "licenses", "languages"})
    assert all(name in common or name.startswith((PUBLIC_DATASET, "c.", "l.")) for name in tables)
    assert statement.sql(dialect="bigquery") == sqlglot.parse_one(
        statement.sql(dialect="bigquery"), read="bigquery"
    ).sql(dialect="bigquery")
    # What sqlglot reads but BigQuery does not: a name that is a reserved word, a comma before a bracket.
    named = common | {one.alias for one in statement.find_all(sqlglot.exp.Alias, sqlglot.exp.TableAlias)}
    assert not {name.lower() for name in named} & BigQuery.generator_class.RESERVED_KEYWORDS
    assert not re.search(r",\s*\)", sql)


def test_the_query_reads_no_column_but_those_it_needs():
    read = set(re.findall(r"\bc\.([a-z_]+(?:\[SAFE_OFFSET\(0\)\])?(?:\.[a-z_0-9]+)?)", _ours(PUBLIC_DATASET)))
    changed = {
        f"difference[SAFE_OFFSET(0)].{side}_{part}" for side in ("old", "new") for part in ("mode", "path", "sha1")
    }
    assert read == changed | {
        "commit", "subject", "message", "author.name", "author.email", "committer.time_sec", "parent", "repo_name",
        "difference_truncated", "difference",
    }  # fmt: skip
    assert "c.difference)" in _ours("")  # as a whole only its length, which costs no more than its fields
    assert "*" not in _ours("").replace("COUNT(*)", "")
    assert set(re.findall(r"\bc\.(\w+)", forks_query())) == {"repo_name"}


def test_the_study_chooses_licences_languages_and_lengths():
    sql = mining_query(["network_copyleft"], ["Zig", "C"], 3, 7)
    assert "license IN ('agpl-3.0')" in sql
    assert "spoken.name IN ('C', 'Zig')" in sql
    assert "CHAR_LENGTH(p.trimmed) > 3 AND CHAR_LENGTH(p.trimmed) < 7" in sql


def test_bad_input_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(Problem, match="licence class copyleft"):
        mining_query(["copyleft"], ["C"], 10, 100)
    with pytest.raises(Problem, match="no language"):
        mining_query(["permissive"], [], 10, 100)
    with pytest.raises(Problem, match="no such file"):
        DuckDB(tmp_path)
    _tables(tmp_path, [_row(1)])
    (tmp_path / "licenses.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(Problem, match=r"licenses\.parquet: not a readable Parquet file"):
        DuckDB(tmp_path)
