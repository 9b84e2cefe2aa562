"""A repository is found and opened in any of the forms git keeps one in, and refused in plain words otherwise."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from themis.errors import Problem
from themis.repositories.find import repositories_below
from themis.repositories.log import read_log
from themis.repositories.objects import read_blobs
from themis.repositories.repository import open_repository


def _heads(folder: Path, also: Sequence[Path] = ()) -> tuple[str, int]:
    with open_repository(folder, also) as repository:
        return repository.head, len(list(read_log(repository)))


def test_every_form_of_a_repository_opens_alike(history, tmp_path: Path):
    repo = history("store/bare.git")
    first = repo.commit({"a.py": "1"})
    head = repo.commit({"a.py": "2"}, parents=[first])
    forms = {"tree": tmp_path / "tree", "linked": tmp_path / "linked", "borrowed": tmp_path / "b" / "borrowed.git"}
    repo.git("clone", "--quiet", ".", str(forms["tree"]))
    repo.git("worktree", "add", "--quiet", "--detach", str(forms["linked"]), "main")
    repo.git("clone", "--quiet", "--bare", "--shared", ".", str(forms["borrowed"]))
    alternates = forms["borrowed"] / "objects" / "info" / "alternates"
    alternates.write_text("../../../store/bare.git/objects\n")
    repo.git("pack-refs", "--all")
    for form in (repo.folder, repo.folder.parent, *forms.values()):
        assert _heads(form, [repo.folder]) == (head, 2), form


def test_sha256_repository_opens(history):
    repo = history("owner/new.git", "--object-format=sha256")
    head = repo.commit({"a.py": "1"})
    assert len(head) == 64
    assert _heads(repo.folder) == (head, 1)


def test_shallow_clone_knows_where_it_was_cut(history, tmp_path: Path):
    repo = history("owner/full.git")
    first = repo.commit({"a.py": "1"})
    second = repo.commit({"a.py": "2"}, parents=[first])
    repo.git("clone", "--quiet", "--bare", "--depth=1", f"file://{repo.folder}", str(tmp_path / "cut.git"))
    assert _heads(tmp_path / "cut.git") == (second, 1)
    with open_repository(tmp_path / "cut.git") as repository:
        assert repository.shallow == {second}


def test_head_of_a_missing_branch_falls_back_to_one_that_exists(history):
    repo = history("owner/unborn.git")
    other = repo.commit({"a.py": "1"}, branch="zeta")
    main = repo.commit({"a.py": "2"}, branch="master")
    assert other != main
    repo.git("symbolic-ref", "HEAD", "refs/heads/nothing")
    assert _heads(repo.folder) == (main, 2)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: folder.rmdir(), "no such folder"),
        (lambda folder: (folder / "file").touch(), "no git repository"),
        (lambda folder: subprocess.run(["git", "init", "--quiet", folder], check=True), "no commit"),
        (lambda folder: [(folder / n).mkdir() for n in ("objects", "refs")] + [(folder / "HEAD").write_text("/etc/passwd")], "HEAD"),
    ],
)  # fmt: skip
def test_what_is_no_repository_is_refused_in_one_line(tmp_path: Path, make, told):
    folder = tmp_path / "it"
    folder.mkdir()
    make(folder)
    with pytest.raises(Problem, match=told) as caught, open_repository(folder):
        pass
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_repository_below_a_root_is_found_once(history, tmp_path: Path):
    folders = [history(name).folder for name in ("root/b/two.git", "root/a/one.git", "root/deep/er/three.git")]
    (tmp_path / "root" / "loop").symlink_to(tmp_path / "root")
    assert repositories_below(tmp_path / "root") == sorted(folders)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Problem, match="no git repository"):
        repositories_below(tmp_path / "empty")


def test_blobs_come_as_they_are_in_the_order_asked(history):
    repo = history("owner/blobs.git")
    contents = {f"{i}.bin": bytes([i % 256, 0, 10, 13]) * (i * 7) for i in range(400)}
    repo.commit({**contents, "large.bin": b"L" * 5000})
    oids = {name: repo.git("rev-parse", f"main:{name}") for name in ("large.bin", *contents)}
    tree = repo.git("rev-parse", "main^{tree}")
    asked = [*reversed(oids.items()), ("missing", "f" * 40), ("a tree", tree), ("again", oids["3.bin"])]
    with open_repository(repo.folder) as repository:
        blobs = list(read_blobs(repository, [oid for _, oid in asked], max_bytes=4999))
    assert [blob.oid for blob in blobs] == [oid for _, oid in asked]
    by_name = dict(zip([name for name, _ in asked], blobs, strict=True))
    limit = {name: data for name, data in contents.items() if len(data) <= 4999}
    assert {name: by_name[name].data for name in limit} == limit
    assert (by_name["large.bin"].size, by_name["large.bin"].data) == (5000, None)
    assert {(by_name[name].size, by_name[name].data) for name in ("missing", "a tree")} == {(None, None)}
    assert by_name["again"].data == contents["3.bin"]
