"""The commands, from git repositories to the selected table."""

from __future__ import annotations

from pathlib import Path

from identify.vendor.licenses import LICENSES
from typer.testing import CliRunner

from themis.cli import app
from themis.records import gather, read

DAY = 86_400


def test_from_repositories_to_the_selected_table(history, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    edits = {}
    for owner, text, when in (("ann", "MIT", 1_500_000_000), ("bob", "MIT", 1_580_000_000), ("eve", "GPL-3.0", 1_500_000_000)):  # fmt: skip
        repo = history(f"repositories/{owner}/tool.git")
        last = repo.commit({"LICENSE": dict(LICENSES)[text], "a b.py": "x = 1\n"}, "start of it all", when=when)
        edits[owner] = repo.commit({"a b.py": "x = 2\n"}, "make x two for safety", parents=[last], when=when + DAY)
        repo.commit(
            {"a b.py": "x = 3\n", "c.py": "y\n"}, "two files at a time", parents=[edits[owner]], when=when + 2 * DAY
        )
    runner = CliRunner()

    def run(*arguments: str) -> str:
        result = runner.invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    run("tables", "tables", "--root", "repositories", "--clones", "clones", "--threads", "2")
    run(
        "mine",
        "tables",
        "mined.parquet",
        "--license",
        "permissive",
        "--forks",
        "forks.parquet",
        "--ledger",
        "mine.parquet",
    )
    run(
        "select", "mined.parquet", "selected.parquet", "--forks", "forks.parquet", "--merges", "tables/merges.parquet", "--language", "Python", "--seed", "77",
        "--train-until", "2019-03-01", "--benchmark-since", "2019-06-01", "--benchmark-until", "2021-02-01",
        "--ledger", "select.parquet",
    )  # fmt: skip
    selected = read(Path("selected.parquet"), "selected").to_pylist()
    assert {row["commit"]: (row["split"], row["path"], row["license"]) for row in selected} == {
        edits["ann"]: ("train", "a b.py", "mit"),
        edits["bob"]: ("benchmark", "a b.py", "mit"),
    }
    ledger = gather([Path("mine.parquet"), Path("select.parquet")], Path("attrition.parquet")).to_pylist()
    assert {row["reason"]: row["rows_dropped"] for row in ledger if row["reason"]} == {
        "licence": 1,
        "not a single-file change": 6,
    }
    assert {(row["stage"], row["rows_in"], row["rows_kept"]) for row in ledger} == {("mine", 9, 2), ("select", 2, 2)}
    paths = read(Path("tables/repositories.parquet"), "repositories")["path"].to_pylist()
    assert paths == [f"repositories/{owner}/tool.git" for owner in ("ann", "bob", "eve")]
    assert "`bigquery-public-data.github_repos.commits`" in run("show-query", "--license", "permissive")
