"""The tables say of real repositories what git says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from themis.errors import Problem
from themis.mine.tables import read_tables
from themis.records import read

FILES = ("commits", "licenses", "languages", "merges", "repositories")


@pytest.fixture
def forks(history, tmp_path: Path):
    """A repository, a fork of it with one commit more, and one that has nothing to do with them."""
    one = history("repositories/ann/tool.git")
    first = one.commit({"a.py": "1\n"}, "first of all commits")
    second = one.commit({"a.py": "2\n"}, "second of all commits", parents=[first])
    two = history("repositories/bob/tool.git")
    two.git("fetch", "--quiet", str(one.folder), "main:main")
    third = two.commit({"a.py": "3\n"}, "third, of the fork only", parents=[second])
    other = history("repositories/cleo/else.git")
    alone = other.commit({"b.go": "package b\n"}, "alone in the world")
    folders = [str(repo.folder) for repo in (one, two, other)]
    return folders, {"first": first, "second": second, "third": third, "alone": alone}


def test_commit_of_forks_is_one_row(forks, tmp_path: Path):
    folders, known = forks
    read_tables(folders, tmp_path / "tables", tmp_path / "clones")
    commits = read(tmp_path / "tables" / "commits.parquet", "commits").to_pylist()
    assert {row["commit"]: row["repo_name"] for row in commits} == {
        known["first"]: ["ann/tool", "bob/tool"],
        known["second"]: ["ann/tool", "bob/tool"],
        known["third"]: ["bob/tool"],
        known["alone"]: ["cleo/else"],
    }
    assert [row["commit"] for row in commits] == sorted(known.values())
    merges = read(tmp_path / "tables" / "merges.parquet", "merges")
    assert merges.num_rows == 2 + 3 + 1
    counted = read(tmp_path / "tables" / "repositories.parquet", "repositories").to_pydict()
    assert dict(zip(counted["repo_name"], counted["commits"], strict=True)) == {
        "ann/tool": 2,
        "bob/tool": 3,
        "cleo/else": 1,
    }


def test_same_bytes_for_any_order_threads_and_cache(forks, tmp_path: Path, monkeypatch):
    folders, _ = forks
    monkeypatch.chdir(tmp_path)
    read_tables(folders, tmp_path / "one", tmp_path / "clones")
    relative = [str(Path(folder).relative_to(tmp_path)) for folder in reversed(folders)]
    read_tables([*relative, folders[0]], tmp_path / "two", tmp_path / "clones", threads=3)
    bytes_of = {name: (tmp_path / "one" / f"{name}.parquet").read_bytes() for name in FILES}
    assert {name: (tmp_path / "two" / f"{name}.parquet").read_bytes() for name in FILES} == bytes_of
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "one" / "parts").rglob("*.parquet")}
    read_tables(folders, tmp_path / "one", tmp_path / "clones")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "one" / "parts").rglob("*.parquet")} == parts
    assert {name: (tmp_path / "one" / f"{name}.parquet").read_bytes() for name in FILES} == bytes_of
    paths = read(tmp_path / "one" / "repositories.parquet", "repositories")["path"].to_pylist()
    assert paths == [str(Path(folder).relative_to(tmp_path)) for folder in folders]


def test_new_commit_is_seen_in_spite_of_the_cache(history, tmp_path: Path):
    repo = history("ann/tool.git")
    first = repo.commit({"a.py": "1"})
    for expected in (1, 2):
        table = read_tables([str(repo.folder)], tmp_path / "tables", tmp_path / "clones")
        assert table["commits"].to_pylist() == [expected]
        repo.commit({"a.py": "2"}, parents=[first])


def test_merge_state_follows_the_main_line_and_its_reverts(history, tmp_path: Path):
    repo = history("ann/tool.git")
    root = repo.commit({"a.py": "0"}, "root")
    last = root
    known = {}

    def grow(name: str, message: str, *more: str) -> str:
        nonlocal last
        known[name] = last = repo.commit({f"{name}.py": name}, message, parents=[last, *more])
        return last

    grow("undone", "undone later")
    grow("undoes", f"Revert\n\nThis reverts commit {known['undone']}.")
    grow("restored", "undone and restored")
    grow("undoes_restored", f"Revert\n\nThis reverts commit {known['restored'][:12]}.")
    grow("restores", f"Reapply\n\nThis reverts commit {known['undoes_restored']}.")
    known["side1"] = repo.commit({"s.py": "1"}, "side 1", parents=[root], branch="side")
    known["side2"] = repo.commit({"s.py": "2"}, "side 2", parents=[known["side1"]], branch="side")
    grow("merge", "Merge side", known["side2"])
    grow("kept", "kept for good")
    known["loose"] = repo.commit({"l.py": "1"}, f"never merged\n\nThis reverts commit {known['kept']}.", parents=[root], branch="loose")  # fmt: skip
    grow("unmerges", f"Revert merge\n\nThis reverts commit {known['merge']}, reversing\nchanges made to {root}.")
    grow("nonsense", f"This reverts commit {'d' * 40}. This reverts commit {root}, reversing changes.")

    read_tables([str(repo.folder)], tmp_path / "tables", tmp_path / "clones")
    rows = read(tmp_path / "tables" / "merges.parquet", "merges").to_pylist()
    names = {commit: name for name, commit in known.items()} | {root: "root"}
    assert {names[row["commit"]] for row in rows if not row["merged"]} == {"loose"}
    reverted = {names[row["commit"]] for row in rows if row["reverted"]}
    assert reverted == {"undone", "undoes_restored", "merge", "side1", "side2", "root"}


def test_shallow_clone_does_not_speak_for_the_commit_it_was_cut_at(history, tmp_path: Path):
    repo = history("ann/tool.git")
    first = repo.commit({"a.py": "1", "b.py": "1"})
    second = repo.commit({"a.py": "2"}, parents=[first])
    cut = tmp_path / "aaa" / "cut.git"
    repo.git("clone", "--quiet", "--bare", "--depth=1", f"file://{repo.folder}", str(cut))
    for folders, parents, truncated in (([cut], [], True), ([cut, repo.folder], [first], False)):
        read_tables([str(folder) for folder in folders], tmp_path / "tables", tmp_path / "clones")
        commits = read(tmp_path / "tables" / "commits.parquet", "commits").to_pylist()
        (row,) = [row for row in commits if row["commit"] == second]
        assert (row["parent"], row["difference_truncated"]) == (parents, truncated)
        assert row["repo_name"] == sorted(["aaa/cut", "ann/tool"][: len(folders)])


def test_two_repositories_of_one_name_are_refused(history, tmp_path: Path):
    folders = [history(f"{place}/ann/tool.git") for place in "ab"]
    for repo in folders:
        repo.commit({"a.py": "1"})
    with pytest.raises(Problem, match="both are ann/tool"):
        read_tables([str(repo.folder) for repo in folders], tmp_path / "tables", tmp_path / "clones")
    with pytest.raises(Problem, match="no repository to read"):
        read_tables([], tmp_path / "tables", tmp_path / "clones")
