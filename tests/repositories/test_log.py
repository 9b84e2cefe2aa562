"""The log tells of every commit what git's plumbing tells, whatever the names and messages are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from themis.repositories.log import count_commits, main_line, merged_by, path_text, read_log
from themis.repositories.repository import open_repository

NAMES = [b"plain.py", b"with space.py", b'quo"te\'.py', b"new\nline.py", b"$(touch x).py", b"-rf", b":colon", b"caf\xe9.py", "żółw.py".encode()]  # fmt: skip


@pytest.fixture
def hostile(history):
    repo = history("owner/hostile.git")
    first = repo.commit(dict.fromkeys(NAMES, b"one\n"), "root\n\nwith a body\n:100644 100644 a b M")
    last = first
    for name in NAMES:
        last = repo.commit({name: b"two\n"}, b"edit " + name.replace(b"\n", b" "), parents=[last])
    last = repo.commit({"plain.py": None, "renamed.py": b"two\n"}, "rename", parents=[last])
    last = repo.commit({"link.py": ("120000", "/etc/hosts"), "sub": ("160000", first)}, "link", parents=[last])
    last = repo.commit({"-rf": ("100755", b"two\n")}, "mode only", parents=[last])
    last = repo.commit({"caf": None, "with space.py": None}, b"not utf-8: \xff\xfe", parents=[last])
    last = repo.commit({}, "empty", parents=[last])
    side = repo.commit({"side.py": b"s"}, "side", parents=[first], branch="side")
    repo.commit({"side.py": b"s"}, "Merge side", parents=[last, side])
    repo.commit({"alone.c": b"x"}, "a second root", branch="orphan")
    repo.commit({"r.c": b"x"}, "remote", parents=[side], branch="gone")
    repo.git("update-ref", "refs/remotes/origin/gone", "refs/heads/gone")
    repo.git("update-ref", "-d", "refs/heads/gone")
    repo.git("tag", "unreached", repo.commit({"t": b"t"}, "tagged only", branch="tagged"))
    repo.git("update-ref", "-d", "refs/heads/tagged")
    return repo


def test_log_agrees_with_plumbing(hostile, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open_repository(hostile.folder) as repository:
        commits = list(read_log(repository))
        counted = count_commits(repository)
    expected = hostile.git("rev-list", "--parents", "--branches", "--remotes").splitlines()
    assert len(commits) == counted == len(expected)
    assert {(c.commit, *c.parents) for c in commits} == {tuple(line.split()) for line in expected}
    for commit in commits:
        raw = subprocess.run(
            ["git", "diff-tree", "-r", "--root", "-z", "--no-commit-id", "--no-renames", commit.commit],
            cwd=hostile.folder, capture_output=True, check=True,
        ).stdout.split(b"\0")[:-1]  # fmt: skip
        plumbing = {}
        for entry, name in zip(raw[::2], raw[1::2], strict=True):
            old_mode, new_mode, old, new, _ = entry.decode().lstrip(":").split()
            plumbing[path_text(name)] = (int(old_mode, 8), int(new_mode, 8), old, new)
        ours = {
            d.old_path or d.new_path: (
                d.old_mode or 0, d.new_mode or 0, d.old_sha1 or "0" * 40, d.new_sha1 or "0" * 40
            )
            for d in commit.differences
        }  # fmt: skip
        assert ours == (plumbing if len(commit.parents) < 2 else {})
        assert all(d.old_path in (None, d.new_path) or d.new_path is None for d in commit.differences)
    assert not (tmp_path / "x").exists()


def test_messages_survive_any_encoding(history):
    repo = history("owner/texts.git")
    first = repo.commit({"a": b"1"}, "naïve\n\nbody\n", author="Żółw <z@example.org>")
    second = repo.commit({"a": b"2"}, "caf\xe9".encode("latin-1"), parents=[first], encoding="ISO-8859-1")
    third = repo.commit({"a": b"3"}, b"bad \xff byte", parents=[second])
    with open_repository(repo.folder) as repository:
        found = {commit.commit: commit for commit in read_log(repository)}
    assert (found[first].subject, found[first].author.name) == ("naïve", "Żółw")
    assert found[first].message.endswith("body\n")
    assert found[second].subject == "café"
    assert found[third].subject == "bad \ufffd byte"
    assert found[third].committer.time_sec == 1_500_000_000


def test_names_that_are_not_utf8_are_marked_and_stay_apart():
    assert path_text("żółw.py".encode()) == "żółw.py"
    names = {path_text(b"caf\xe8.py"), path_text(b"caf\xe9.py")}
    assert len(names) == 2
    assert all(name.startswith("\ufffd") and name.endswith(".py") for name in names)


def test_main_line_and_what_a_merge_brought(history):
    repo = history("owner/lines.git")
    root = repo.commit({"a": b"1"})
    main = repo.commit({"b": b"1"}, parents=[root])
    side = [repo.commit({"c": b"1"}, parents=[root], branch="side")]
    side.append(repo.commit({"c": b"2"}, parents=side, branch="side"))
    merge = repo.commit({"c": b"2"}, parents=[main, side[-1]])
    loose = repo.commit({"d": b"1"}, parents=[root], branch="loose")
    with open_repository(repo.folder) as repository:
        assert main_line(repository) == {root, main, *side, merge}
        assert loose not in main_line(repository)
        assert set(merged_by(repository, merge, main)) == {merge, *side}
