"""Commits of merged pull requests are found in GHTorrent's dumps as a join in Python finds them, reverts by message."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from themis.cli import app
from themis.errors import Problem
from themis.mine.ghtorrent import COLUMNS, ghtorrent_merges
from themis.records import SCHEMAS, gather, read, write

FORMS = ("csv", "csv with header", "csv.gz", "parquet")


def _mined(folder: Path, rows: list[tuple]) -> Path:
    """Rows are (commit, repositories, message, committed at)."""
    table = [
        {
            "id": f"{i:032x}", "commit": commit, "repository": names[0], "repositories": names, "license": "mit",
            "path": "a.py", "old_mode": 33188, "new_mode": 33188, "old_blob": "1" * 40, "new_blob": "2" * 40,
            "subject": message.partition("\n")[0], "message": message, "committed_at": at,
        }
        for i, (commit, names, message, at) in enumerate(rows)
    ]  # fmt: skip
    write(pa.Table.from_pylist(table, schema=SCHEMAS["mined"]), folder / "mined.parquet", "mined")
    return folder / "mined.parquet"


def _field(value: object) -> bytes:
    """A value as MySQL's SELECT ... INTO OUTFILE writes it."""
    if value is None:
        return rb"\N"
    if isinstance(value, int):
        return str(value).encode()
    raw = value if isinstance(value, bytes) else value.encode()
    for special in (b"\\", b'"', b"\n"):
        raw = raw.replace(special, b"\\" + special)
    return b'"' + raw + b'"'


def _dump(folder: Path, tables: dict[str, list[tuple]], form: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        if form == "parquet":
            texts = [[v.decode("latin-1") if isinstance(v, bytes) else v for v in row] for row in rows]
            pl.DataFrame(texts, schema=list(COLUMNS[name]), orient="row", infer_schema_length=None).write_parquet(
                folder / f"{name}.parquet"
            )
            continue
        head = [b",".join(map(_field, COLUMNS[name]))] if "header" in form else []
        text = b"".join(line + b"\n" for line in [*head, *(b",".join(map(_field, row)) for row in rows)])
        if form == "csv.gz":
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text))
        else:
            (folder / f"{name}.csv").write_bytes(text)
    return folder


def _world(n: int):
    """Random tables, and of every commit the repositories that merged it, found by loops."""
    dice = random.Random(4)
    day = "2018-01-01 00:00:00"
    awkward = ["plain", 'quo"te', "comma, semicolon;", "back\\slash", "two\nlines", b"caf\xe9", "\\N", None]
    projects = [
        (i, f"https://api.github.com/repos/owner{i}/p.{i}" if i % 9 else None, i, f"p.{i}", dice.choice(awkward), "C", day, None, 0, day, None)
        for i in range(1, 40)
    ]  # fmt: skip
    commits = [(i * 3, f"{i:040x}", 1, None, 1, day) for i in range(n)]
    requests = [(i, None, dice.randint(1, 45), None, 1, i, 0) for i in range(1, 150)]
    history = [
        (i, dice.randint(1, 150), day, dice.choice(["opened", "closed", "merged", "reopened"]), None)
        for i in range(250)
    ]
    listed = list({(dice.randint(1, 150), dice.randrange(n + 20) * 3) for _ in range(n)})
    merged = {request for _, request, _, action, _ in history if action == "merged"}
    base = {request[0]: request[2] for request in requests}
    url = {project[0]: project[1] for project in projects}
    sha = {commit[0]: commit[1] for commit in commits}
    found = {
        (url[base[request]].split("repos/")[1], sha[commit])
        for request, commit in listed
        if request in merged and url.get(base.get(request)) and commit in sha
    }
    tables = dict(zip(COLUMNS, (commits, listed, history, requests, projects), strict=True))
    return tables, found, {sha[commit] for _, commit in listed if commit in sha}


@pytest.mark.parametrize("form", FORMS)
def test_the_join_of_five_tables(tmp_path: Path, form: str):
    tables, found, asked = _world(600)
    wanted = [row[1] for row in tables["commits"][::2]] + ["f" * 40]
    mined = _mined(tmp_path, [(commit, ["a/b"], "a message", 0) for commit in wanted])
    dump = _dump(tmp_path / "du'mp", tables, form)
    account = ghtorrent_merges(dump, mined, tmp_path / "merges.parquet", tmp_path / "ledger.parquet")
    rows = read(tmp_path / "merges.parquet", "merges").to_pylist()
    expected = sorted(pair for pair in found if pair[1] in set(wanted))
    assert len(expected) > 40
    assert [(row["repo_name"], row["commit"]) for row in rows] == expected
    assert {(row["merged"], row["reverted"], row["how"]) for row in rows} == {(True, False, "pull request")}

    ledger = gather([tmp_path / "ledger.parquet"], tmp_path / "all.parquet").to_pylist()
    assert {(row["rows_in"], row["rows_kept"]) for row in ledger} == {(301, len({commit for _, commit in expected}))}
    reasons = {row["reason"]: row["rows_dropped"] for row in account.table().to_pylist()}
    assert set(reasons) == {"in no pull request", "pull request not merged", "repository of the pull request unknown"}
    assert reasons["in no pull request"] == len(set(wanted) - asked)


def test_a_mined_commit_that_another_says_it_reverts_is_marked(tmp_path: Path):
    commits = {name: f"{i:x}" * 40 for i, name in enumerate("abcdefghijkl", 1)}
    rows = [
        (commits["a"], ["x/r"], "add the thing", 10),
        (commits["b"], ["x/r", "y/fork"], f"undo\n\nThis reverts commit {commits['a'][:8]}.", 20),
        (commits["c"], ["x/r"], "add another", 30),
        (commits["d"], ["x/r"], f'Revert "add another"\n\nThis reverts commit {commits["c"]}.', 40),
        # In the same second as the revert that it takes back.
        (commits["e"], ["x/r"], f'Reapply "add another"\n\nThis reverts commit {commits["d"]}.', 40),
        (commits["f"], ["x/r"], "tune it (#7)", 50),
        (commits["g"], ["x/r"], 'Revert "tune it (#7)" (#8)\n\nReverts x/r#7', 60),
        (commits["h"], ["z/other"], "add the thing", 70),
        (commits["i"], ["y/fork"], 'Revert "add the thing"', 80),
        (commits["j"], ["q/alone"], f"This reverts commit {commits['h']}.", 90),
        (commits["k"], ["x/r"], 'Revert "come later"', 100),
        (commits["l"], ["x/r"], "come later", 110),
    ]
    listed = [(1, i) for i in range(len(rows))]
    tables = {
        "commits": [(i, row[0], 1, 1, 1, "d") for i, row in enumerate(rows)], "pull_request_commits": listed,
        "pull_request_history": [(1, 1, "d", "merged", 1)], "pull_requests": [(1, 1, 1, 1, 1, 1, 0)],
        "projects": [(1, "https://api.github.com/repos/x/r", 1, "r", None, None, "d", None, 0, "d")],
    }  # fmt: skip
    mined = _mined(tmp_path, rows)
    ghtorrent_merges(_dump(tmp_path / "dump", tables, "csv"), mined, tmp_path / "m.parquet", tmp_path / "l.parquet")
    found = read(tmp_path / "m.parquet", "merges").to_pylist()
    assert len(found) == len(rows)
    names = {commit: name for name, commit in commits.items()}
    assert {names[row["commit"]] for row in found if row["reverted"]} == {"a", "d", "f"}


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path):
    tables, *_ = _world(50)
    dump = _dump(tmp_path / "dump", tables, "csv")
    with (dump / "projects.csv").open("ab") as file:
        file.write(b'1,2,3\n99,"https://api.github.com/repos/no/end of it,1\n')
    mined = _mined(tmp_path, [(tables["commits"][0][1], ["a/b"], "a message", 0)])
    run = ["ghtorrent-merges", str(dump), str(tmp_path / "m.parquet"), "--mined", str(mined), "--ledger", str(tmp_path / "l.parquet")]  # fmt: skip
    result = CliRunner().invoke(app, run, catch_exceptions=False)
    assert result.exit_code == 0
    ledger = read(tmp_path / "l.parquet", "attrition").to_pylist()
    assert [row["rows_dropped"] for row in ledger if row["scope"] == "projects"] == [2]
    assert "2 unreadable line (projects)" in result.output


def test_a_dump_of_another_layout_is_refused(tmp_path: Path):
    tables, *_ = _world(50)
    mined = _mined(tmp_path, [("a" * 40, ["a/b"], "a message", 0)])
    dump = _dump(tmp_path / "dump", tables, "csv")

    def run() -> None:
        ghtorrent_merges(dump, mined, tmp_path / "m.parquet", tmp_path / "l.parquet")

    (dump / "pull_request_history.csv").write_text('1,1,"day","reference","merged",1\n')
    with pytest.raises(Problem, match=r"pull_request_history\.csv: 6 columns where .* have 5; add a header"):
        run()
    (dump / "pull_request_history.csv").write_text("id,pull_request_id,created_at\n1,1,day\n")
    with pytest.raises(Problem, match=r"pull_request_history\.csv: column action is missing"):
        run()
    (dump / "pull_request_history.csv").unlink()
    with pytest.raises(Problem, match=r"no pull_request_history\.csv"):
        run()
    assert not (tmp_path / "m.parquet").exists()
