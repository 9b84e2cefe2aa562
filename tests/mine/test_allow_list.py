"""Allow lists: the published ones are read to the name, and new ones hold exactly the repositories that qualify."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from themis.cli import app
from themis.errors import Problem
from themis.mine.allow_list import build_allow_list, read_allow_list

PUBLISHED = Path(__file__).parents[3] / "shared" / "reference" / "allowlists"


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published allow lists are not here")
def test_the_published_lists_are_read_whole():
    files = sorted(PUBLISHED.glob("*.json"))
    entries = [name for file in files for name in json.loads(file.read_text())]
    assert (len(files), len(entries), len(set(entries))) == (32, 348_175, 342_755)
    names = read_allow_list(PUBLISHED)
    # Two pairs of names differ in case only, and GitHub's names do not.
    assert len(names) == 342_753
    assert names == {name.lower() for name in entries}
    assert set().union(*map(read_allow_list, files)) == names


def _rows(n: int) -> list[dict]:
    dice = random.Random(9)
    numbers = {"stars": [None, 0, 14, 15, 16, 400], "contributors": [None, 4, 5, 6], "issues": [None, 9, 10, 11]}
    return [
        {"repository": f"Owner{i % 50}/r{i}", **{name: dice.choice(values) for name, values in numbers.items()},
         "language": dice.choice(["Python", "C#", "Brand New!", None])}
        for i in range(n)
    ]  # fmt: skip


def _qualifies(row: dict) -> bool:
    least = {"stars": 15, "contributors": 5, "issues": 10}
    return all(row[name] is not None and row[name] >= number for name, number in least.items())


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
def test_a_list_holds_what_reaches_all_three_numbers_and_a_missing_number_is_not_zero(tmp_path: Path, ending: str):
    rows = _rows(400)
    frame = pl.DataFrame(rows)
    write = {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".jsonl": frame.write_ndjson}[ending]
    write(tmp_path / f"metadata{ending}")
    account = build_allow_list(tmp_path / f"metadata{ending}", tmp_path / "out" / "list.json")
    names = json.loads((tmp_path / "out" / "list.json").read_text())
    assert names == sorted(row["repository"] for row in rows if _qualifies(row))
    assert read_allow_list(tmp_path / "out" / "list.json") == {name.lower() for name in names}

    ledger = account.table().to_pylist()
    assert {(row["rows_in"], row["rows_kept"]) for row in ledger} == {(400, len(names))}
    assert sum(row["rows_dropped"] for row in ledger) == 400 - len(names)
    reasons = {row["reason"]: row["rows_dropped"] for row in ledger}
    assert reasons["stars missing"] == sum(row["stars"] is None for row in rows)
    assert set(reasons) == {
        "stars missing", "contributors missing", "issues missing",
        "fewer than 15 stars", "fewer than 5 contributors", "fewer than 10 issues",
    }  # fmt: skip
    assert build_allow_list(tmp_path / f"metadata{ending}", tmp_path / "all.json", min_stars=0).table()[
        "rows_kept"
    ].to_pylist()[0] > len(names)


def test_a_folder_gets_a_list_per_language(tmp_path: Path):
    rows = _rows(400)
    pl.DataFrame(rows).write_parquet(tmp_path / "metadata.parquet")
    build_allow_list(tmp_path / "metadata.parquet", tmp_path / "lists")
    files = {"python": "Python", "csharp": "C#", "brand-new": "Brand New!", "other": None}
    assert {path.stem for path in (tmp_path / "lists").iterdir()} == set(files)
    for stem, language in files.items():
        expected = sorted(row["repository"] for row in rows if _qualifies(row) and row["language"] == language)
        assert json.loads((tmp_path / "lists" / f"{stem}.json").read_text()) == expected
    assert len(read_allow_list(tmp_path / "lists")) == sum(map(_qualifies, rows))
    with pytest.raises(Problem, match="has lists already"):
        build_allow_list(tmp_path / "metadata.parquet", tmp_path / "lists")


def test_a_name_counts_once_whatever_its_case_and_nonsense_is_named(tmp_path: Path):
    good = {"stars": "20", "contributors": "5.0", "issues": "10"}
    rows = [
        {"repository": "b/Tool", **good}, {"repository": " B/tool ", **good}, {"repository": "no-owner", **good},
        {"repository": "a/b/c", **good}, {"repository": None, **good}, {"repository": "c/d", **good, "stars": "many"},
        {"repository": "B/TOOL", **good, "stars": "1"},
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv(tmp_path / "metadata.csv")
    account = build_allow_list(tmp_path / "metadata.csv", tmp_path / "list.json")
    assert json.loads((tmp_path / "list.json").read_text()) == ["B/tool"]
    assert {row["reason"]: row["rows_dropped"] for row in account.table().to_pylist()} == {
        "listed twice": 1, "name is not owner/name": 3, "stars missing": 1, "fewer than 15 stars": 1,
    }  # fmt: skip


def test_what_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "metadata.csv").write_text("repository,stars,issues\na/b,1,2\n")
    with pytest.raises(Problem, match=r"metadata\.csv: column contributors is missing"):
        build_allow_list(tmp_path / "metadata.csv", tmp_path / "list.json")
    (tmp_path / "metadata.parquet").write_text("no")
    with pytest.raises(Problem, match=r"metadata\.parquet: cannot be read"):
        build_allow_list(tmp_path / "metadata.parquet", tmp_path / "list.json")
    with pytest.raises(Problem, match="repository metadata is a"):
        build_allow_list(tmp_path / "metadata.xml", tmp_path / "list.json")
    with pytest.raises(Problem, match=r"no \.json file"):
        read_allow_list(tmp_path)
    with pytest.raises(Problem, match=r"gone\.json: No such file"):
        read_allow_list(tmp_path / "gone.json")


def test_the_command_says_what_was_left_out(tmp_path: Path):
    pl.DataFrame(_rows(50)).write_csv(tmp_path / "metadata.csv")
    arguments = ["build-allow-list", str(tmp_path / "metadata.csv"), str(tmp_path / "list.json"), "--min-stars", "16"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "fewer than 16 stars" in result.output
    assert "of 50 kept" in result.output
