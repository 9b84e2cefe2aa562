"""Nothing a repository says about itself is obeyed, and no git process outlives the one who started it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from themis.errors import Problem
from themis.repositories import git
from themis.repositories.log import read_log
from themis.repositories.objects import read_blobs
from themis.repositories.repository import open_repository
from themis.repositories.trees import languages_at_head, license_at_head


@pytest.fixture
def trap(history, tmp_path: Path):
    """A repository whose every setting that can name a program names one that leaves a mark."""
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\nexit 1\n")
    program.chmod(0o755)
    repo = history("owner/trap.git")
    first = repo.commit({".gitattributes": "* diff=evil filter=evil\n", "a.py": "x = 1\n", "LICENSE": "no\n"})
    repo.commit({"a.py": "x = 2\n"}, parents=[first])
    signed = repo.git("cat-file", "commit", "main").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    repo.git(
        "update-ref",
        "refs/heads/main",
        repo.git("hash-object", "-t", "commit", "-w", "--stdin", feed=signed.encode() + b"\n"),
    )
    missing = "1" * 40
    for key, value in {
        "core.fsmonitor": program,
        "core.hooksPath": tmp_path,
        "core.pager": program,
        "core.sshCommand": program,
        "core.gitProxy": program,
        "diff.external": program,
        "diff.evil.textconv": program,
        "diff.evil.command": program,
        "filter.evil.smudge": program,
        "filter.evil.process": program,
        "gpg.program": program,
        "log.showSignature": "true",
        "protocol.allow": "always",
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{program}",
    }.items():
        repo.git("config", key, str(value))
    (repo.folder / "info" / "attributes").write_text("* diff=evil\n")
    return repo, mark, missing


def test_hostile_configuration_has_no_effect(trap, monkeypatch):
    repo, mark, missing = trap
    for arguments in (["cat-file", "-p", missing], ["log", "-1"]):  # the traps do work on the unwary
        repo.git(*arguments, check=False)
        assert mark.exists(), arguments
        mark.unlink()
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "touch " + str(mark))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    with open_repository(repo.folder) as repository:
        assert len(list(read_log(repository))) == 2
        assert [blob.size for blob in read_blobs(repository, [missing], 10)] == [None]
        assert languages_at_head(repository) == {"Python": 6}
        assert license_at_head(repository) == ""
    assert not mark.exists()


def test_shadow_is_gone_afterwards_and_the_repository_untouched(trap):
    repo, _, _ = trap
    before = sorted((path, path.stat().st_mtime_ns) for path in repo.folder.rglob("*"))
    with open_repository(repo.folder) as repository:
        list(read_log(repository))
        shadow = repository.shadow
        assert shadow.is_dir()
    assert not shadow.exists()
    assert sorted((path, path.stat().st_mtime_ns) for path in repo.folder.rglob("*")) == before


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch):
    """A `git` that starts a child and hangs; yields a function that tells whether either still lives."""
    pids = tmp_path / "pids"
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\nsleep 600 &\necho $$ $! > '{pids}.new'\nmv '{pids}.new' '{pids}'\necho ready\nwait\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    def survivors() -> list[int]:
        found = [int(pid) for pid in pids.read_text().split()]
        end = time.monotonic() + 5
        while any(map(_alive, found)) and time.monotonic() < end:
            pass
        return [pid for pid in found if _alive(pid)]

    yield survivors
    for pid in pids.read_text().split():
        if _alive(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


def test_timeout_kills_the_whole_process_group(stuck):
    with pytest.raises(Problem, match=r"here: git log did not end within 0\.5 seconds"):
        git.run(["log"], where="here", timeout=0.5)
    assert stuck() == []


def test_exception_of_the_reader_kills_the_whole_process_group(stuck):
    with pytest.raises(ZeroDivisionError), git.stream(["log"], where="here") as stream:
        assert stream.readline() == b"ready\n"
        raise ZeroDivisionError
    assert stuck() == []


def test_failure_is_one_line_that_says_where(tmp_path: Path):
    with pytest.raises(Problem) as caught:
        git.run(["rev-parse", "--verify", "nothing"], where="the place", git_dir=tmp_path)
    assert str(caught.value).startswith("the place: git rev-parse failed: fatal: not a git repository")
    assert "\n" not in str(caught.value)
