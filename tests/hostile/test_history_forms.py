"""Repositories that share commits, names or folders, and repositories in every form git keeps one in."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from themis.cli import app
from themis.errors import Problem
from themis.mine.tables import read_tables
from themis.records import read
from themis.repositories.repository import open_repository


@pytest.fixture
def world(tmp_path: Path, make_repo):
    """A repository and the folder it is in."""
    repo = make_repo("one", tmp_path)
    return repo, repo.change(), tmp_path


def _tables(world: Path, *folders: Path, below=()) -> dict[str, list[dict]]:
    with contextlib.chdir(world):
        read_tables([str(folder) for folder in folders], Path("tables"), Path("clones"), below=below)
    names = ("commits", "repositories", "skipped")
    return {name: read(world / "tables" / f"{name}.parquet", name).to_pylist() for name in names}


def _copy(repo, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(repo.folder, to)
    return to


def test_commit_of_forks_is_one_row_that_names_both(world):
    repo, last, here = world
    fork = _copy(repo, here / "two" / "fork.git")
    found = _tables(here, repo.folder, fork)
    assert {row["commit"]: row["repo_name"] for row in found["commits"]}[last] == ["one/hostile", "two/fork"]
    assert len(found["commits"]) == 2
    assert [row["commits"] for row in found["repositories"]] == [2, 2]


def test_one_repository_given_in_many_ways_is_one(world):
    repo, _, here = world
    (here / "link").symlink_to(repo.folder)
    ways = [repo.folder, repo.folder.relative_to(here), here / "link", repo.folder / "objects" / ".."]
    assert len(_tables(here, *ways, below=[repo.folder])["repositories"]) == 1


def test_copy_that_claims_the_name_of_another_is_left_out(world):
    """A name comes from the URL that a repository says it has; any may say so."""
    repo, _, here = world
    for folder in (copies := [_copy(repo, here / "a" / "x.git"), _copy(repo, here / "b" / "y.git")]):
        repo.git("config", "remote.origin.url", "https://example.org/ada/tool", cwd=folder)
    found = _tables(here, below=[repo.folder, *copies])
    assert [row["repo_name"] for row in found["repositories"]] == ["ada/tool", "one/hostile"]
    assert [row["path"] for row in found["skipped"]] == ["b/y.git"]
    assert "both are ada/tool" in found["skipped"][0]["reason"]
    found = _tables(here, copies[1], below=copies)
    assert [row["path"] for row in found["repositories"]] == ["b/y.git"], "the one that was named stays"
    with pytest.raises(Problem, match="both are ada/tool"):
        _tables(here, *copies)


@pytest.mark.parametrize(
    "url", ["https://example.org/../..", "https://example.org/a/..", "https://u:secret@example.org/o/n"]
)
def test_name_from_a_url_is_an_owner_and_a_name(world, url):
    repo, _, here = world
    repo.git("config", "remote.origin.url", url)
    (row,) = _tables(here, repo.folder)["repositories"]
    assert row["repo_name"] == ("o/n" if "secret" in url else "one/hostile")


@pytest.mark.parametrize(
    "name", ["a b", "it's", "new\nline", "-rf", "$(touch canary)", "\U0001f600", "--upload-pack=x"]
)
def test_folder_of_any_name_is_read(world, name):
    repo, last, here = world
    folder = _copy(repo, here / "owner" / f"{name}.git")
    found = _tables(here, folder)
    assert (found["repositories"][0]["repo_name"], found["repositories"][0]["path"]) == (
        f"owner/{name}",
        f"owner/{name}.git",
    )
    assert last in {row["commit"] for row in found["commits"]}
    assert not (here / "canary").exists()


def test_folder_whose_name_is_no_text_is_left_out(world):
    repo, _, here = world
    folder = _copy(repo, Path(f"{here}/owner/caf\udce9.git"))
    found = _tables(here, repo.folder, below=[folder])
    assert [row["repo_name"] for row in found["repositories"]] == ["one/hostile"]
    assert len(found["skipped"]) == 1
    with pytest.raises(Problem, match="cannot be told"):
        _tables(here, folder)


def test_work_trees_and_submodules_open_where_their_repository_says_so(world):
    repo, last, here = world
    tree, linked, outer = here / "tree", here / "linked", here / "outer"
    repo.git("clone", "--quiet", str(repo.folder), str(tree))
    repo.git("worktree", "add", "--quiet", "--detach", str(linked), cwd=tree)
    repo.git("init", "--quiet", str(outer))
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(repo.folder), "inner", cwd=outer)
    for folder in (tree, linked, outer / "inner", repo.folder.parent):
        with open_repository(folder) as opened:
            assert opened.head == last, folder
    (tree / ".git" / "worktrees" / "linked" / "gitdir").write_text(f"{here}/elsewhere/.git\n")
    with pytest.raises(Problem, match="leads out of the repository"), open_repository(linked):
        pass
    with open_repository(linked, also=[tree]) as opened:
        assert opened.head == last


def test_repository_of_longer_hashes(tmp_path, make_repo):
    repo = make_repo("long", tmp_path)
    shutil.rmtree(repo.folder)
    repo.git("init", "--quiet", "--bare", "--object-format=sha256", str(repo.folder), cwd=tmp_path)
    stream = "".join(
        f"commit refs/heads/{repo.git('symbolic-ref', '--short', 'HEAD')}\ncommitter A <a@example.org> 1500000000 +0000\ndata 1\n{i}\nM 644 inline a.py\ndata 1\n{i}\n"
        for i in range(2)
    )
    repo.git("fast-import", "--quiet", feed=stream.encode())
    commits = _tables(tmp_path, repo.folder)["commits"]
    assert {len(row["commit"]) for row in commits} == {64}
    assert len(commits) == 2


def test_nothing_left_to_read_is_told_in_one_line(world):
    repo, _, here = world
    (repo.folder / "HEAD").write_text("noise")
    done = CliRunner().invoke(app, ["tables", str(here / "t"), "--root", str(here), "--clones", str(here / "c")])
    assert isinstance(done.exception, Problem)
    assert "none of 1 repositories can be read" in str(done.exception)
    assert "HEAD is neither" in str(done.exception)
    with pytest.raises(Problem, match="HEAD is neither"):
        _tables(here, repo.folder)
