"""Nothing outside of a repository is read: links, alternates, pointers to other folders, pipes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CASES = {}
BLOB, LINK = "100644", "120000"
_LEADS_OUT = "leads out of the repository"


def case(build):
    CASES[build.__name__.strip("_").replace("_", "-")] = build
    return build


def _victim(repo, commit: bool = True) -> Path:
    """A repository of the reader's own, outside, with the secret in a file."""
    victim = repo.private.parent / f"{repo.case}.git"
    repo.git("init", "--quiet", "--bare", "--template=", str(victim))
    stream = f"commit refs/heads/main\ncommitter A <a@example.org> 1500000000 +0000\ndata 8\nprivate\nM 644 inline {repo.secret}.py\ndata {len(repo.secret)}\n{repo.secret}\n"
    repo.git("fast-import", "--quiet", cwd=victim, feed=stream.encode())
    return victim


@case
def _link_to_a_system_file(repo):
    repo.change(old=(LINK, repo.blob("/etc/hosts")), new=(LINK, repo.blob("/etc/passwd")))
    repo.drop("retrieve", "symlink")


@case
def _link_out_of_the_tree(repo):
    repo.change(old=(LINK, repo.blob("a")), new=(LINK, repo.blob(f"../../../private/{repo.case}.py")))
    repo.drop("retrieve", "symlink")


@case
def _link_turned_file(repo):
    repo.change(old=(LINK, repo.blob(str(repo.private))))
    repo.drop("retrieve", "symlink")


@case
def _file_turned_link(repo):
    repo.change(new=(LINK, repo.blob(str(repo.private))))
    repo.drop("retrieve", "symlink")


@case
def _link_turned_folder(repo):
    """What was a link is a folder: one thing goes and another comes."""
    inside = repo.tree([(BLOB, b"a.py", repo.blob(repo.text(2)))])
    repo.change(b"d.py", old=(LINK, repo.blob(str(repo.private.parent))), new=("40000", inside))
    repo.drop("mine", "not a single-file change")


@case
def _alternate_outside(repo):
    """Its tree names a blob that only the reader's own repository has."""
    victim = _victim(repo)
    secret = repo.git("rev-parse", f"main:{repo.secret}.py", cwd=victim)
    repo.change(new=(BLOB, secret))
    (repo.folder / "objects" / "info" / "alternates").write_text(f"{victim}/objects\n")
    assert repo.git("cat-file", "-p", secret) == repo.secret, "git itself borrows it"
    repo.skip(_LEADS_OUT)


@case
def _alternate_of_an_alternate(repo):
    inside = repo.folder / "more" / "objects"
    (inside / "info").mkdir(parents=True)
    (inside / "info" / "alternates").write_text(f"{_victim(repo)}/objects\n")
    repo.change()
    (repo.folder / "objects" / "info" / "alternates").write_text("# a comment\n../more/objects\n")
    repo.skip(_LEADS_OUT)


@case
def _alternate_by_a_link(repo):
    repo.change()
    (repo.folder / "more").symlink_to(_victim(repo) / "objects")
    (repo.folder / "objects" / "info" / "alternates").write_text("../more\n")
    repo.skip(_LEADS_OUT)


@case
def _alternate_inside(repo):
    """One within its own folder is its own affair."""
    repo.change()
    store = repo.folder / "store"
    store.mkdir()
    for child in (repo.folder / "objects").iterdir():
        if len(child.name) == 2:
            child.rename(store / child.name)
    (repo.folder / "objects" / "info" / "alternates").write_text("\n# comment\n../store\n../nowhere\n../objects\n")
    repo.keep()


@case
def _alternate_to_another_of_the_run(repo):
    """What `git clone --shared` makes, beside the repository it borrows from."""
    other = repo.world / "repositories" / "control" / "hostile.git"
    repo.change()
    (repo.folder / "objects" / "info" / "alternates").write_text(f"{other}/objects\n")
    repo.keep()


def _linked(name: str):
    def build(repo):
        repo.change()
        victim = _victim(repo)
        repo.git("pack-refs", "--all", cwd=victim)
        shutil.rmtree(repo.folder / name) if (repo.folder / name).is_dir() else (repo.folder / name).unlink(
            missing_ok=True
        )
        (repo.folder / name).symlink_to(victim / name)
        repo.skip(_LEADS_OUT)

    return build


for _part in ("objects", "refs", "packed-refs", "HEAD", "config"):
    CASES[f"linked-{_part.lower()}"] = _linked(_part)


@case
def _linked_object(repo):
    victim = _victim(repo)
    secret = repo.git("rev-parse", f"main:{repo.secret}.py", cwd=victim)
    repo.change(new=(BLOB, secret))
    repo.object(secret).parent.mkdir(exist_ok=True)
    repo.git("repack", "-adq", cwd=victim)
    for path in (victim / "objects" / "pack").iterdir():
        (repo.folder / "objects" / "pack" / path.name).symlink_to(path)
    assert repo.git("cat-file", "-p", secret) == repo.secret, "git itself follows it"
    repo.skip(_LEADS_OUT)


@case
def _linked_pack_folder_of_a_linked_folder(repo):
    repo.change()
    (repo.folder / "inner").mkdir()
    (repo.folder / "inner" / "x.pack").symlink_to(repo.private)
    shutil.rmtree(repo.folder / "objects" / "pack")
    (repo.folder / "objects" / "pack").symlink_to("../inner")
    repo.skip(_LEADS_OUT)


@case
def _linked_branch(repo):
    repo.change()
    (repo.folder / "refs" / "heads" / "other").symlink_to(repo.private)
    repo.skip(_LEADS_OUT)


@case
def _common_folder_elsewhere(repo):
    repo.change()
    (repo.folder / "commondir").write_text(f"{_victim(repo)}\n")
    repo.skip("commondir names no repository of this work tree")


@case
def _common_folder_above(repo):
    repo.change()
    (repo.folder / "commondir").write_text("../../../private\n")
    repo.skip("commondir names no repository of this work tree")


@case
def _git_file_elsewhere(repo):
    """A work tree whose `.git` names the reader's own repository, which knows nothing of it."""
    victim = _victim(repo)
    shutil.rmtree(repo.folder)
    repo.folder.mkdir()
    (repo.folder / ".git").write_text(f"gitdir: {victim}\n")
    assert repo.git("rev-list", "--count", "main") == "1", "git itself follows it"
    repo.skip(_LEADS_OUT)


@case
def _git_folder_linked(repo):
    victim = _victim(repo)
    shutil.rmtree(repo.folder)
    repo.folder.mkdir()
    (repo.folder / ".git").symlink_to(victim)
    repo.skip(_LEADS_OUT)


def _pipe(*parts: str):
    def build(repo):
        repo.change()
        path = repo.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
        repo.skip("neither a file nor a folder")

    return build


CASES["pipe-for-a-branch"] = _pipe("refs", "heads", "other")
CASES["pipe-for-alternates"] = _pipe("objects", "info", "alternates")
CASES["pipe-for-a-pack"] = _pipe("objects", "pack", "pack-1.idx")


@case
def _pipes_where_nothing_is_read(repo):
    repo.change()
    os.mkfifo(repo.folder / "packed-refs")
    os.mkfifo(repo.folder / "shallow")
    repo.keep()


@case
def _loop_of_links(repo):
    repo.change()
    (repo.folder / "objects" / "aa").symlink_to("bb")
    (repo.folder / "objects" / "bb").symlink_to("aa")
    repo.skip("leads nowhere")


@pytest.fixture(scope="module")
def run(run_cases):
    return run_cases(CASES)


@pytest.mark.parametrize("case", ["control", *CASES])
def test_repository_gets_nothing_but_its_own_files_read(run, case):
    run.check(case)


def test_every_row_is_accounted_for(run):
    found, expected = run.ledger()
    assert found == expected
    assert f"{len(run.skipped)} of {len(run.repos)} repositories left out" in run.said
