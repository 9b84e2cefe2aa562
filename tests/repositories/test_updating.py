"""A clone by URL is what the host has now: without contents where it may be, and usable whatever happened before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from identify.vendor.licenses import LICENSES

from themis.errors import Problem
from themis.repositories.clone import clone
from themis.repositories.log import read_log
from themis.repositories.network import Limits, Network
from themis.repositories.objects import read_blobs
from themis.repositories.repository import open_repository
from themis.repositories.trees import license_at_head
from themis.repositories.urls import host_of

MIT = dict(LICENSES)["MIT"]


def references(repo, folder: Path | None = None) -> list[str]:
    """Branches and tags with their objects, and what HEAD names."""
    where = [] if folder is None else [f"--git-dir={folder}"]
    return [*repo.git(*where, "show-ref", check=False).splitlines(), repo.git(*where, "symbolic-ref", "HEAD")]


@pytest.fixture
def source(history):
    """A repository with a licence and a file that changed, on a host that filters."""
    repo = history("owner/source.git")
    repo.git("config", "uploadpack.allowFilter", "true")
    first = repo.commit({"LICENSE": MIT, "src/a.py": "old\n", "docs/b.md": "text\n"})
    repo.commit({"src/a.py": "new\n"}, parents=[first])
    repo.git("tag", "v1", first)
    return repo


def test_a_clone_has_the_history_and_the_licence_and_no_other_contents(source, tmp_path: Path):
    folder = clone(f"file://{source.folder}", tmp_path / "clones")
    assert references(source, folder) == references(source)
    blobs = {name: source.git("rev-parse", f"main:{name}") for name in ("LICENSE", "src/a.py")}
    with open_repository(folder) as repository:
        assert [commit.subject for commit in read_log(repository)] == ["a commit of the test"] * 2
        assert license_at_head(repository) == "mit"
        held = {blob.oid: blob.data for blob in read_blobs(repository, blobs.values(), 1 << 20)}
    assert held == {blobs["LICENSE"]: MIT.encode(), blobs["src/a.py"]: None}


def test_a_host_that_does_not_filter_is_cloned_whole(source, tmp_path: Path):
    source.git("config", "uploadpack.allowFilter", "false")
    folder = clone(f"file://{source.folder}", tmp_path / "clones")
    blob = source.git("rev-parse", "main:src/a.py")
    with open_repository(folder) as repository:
        assert next(read_blobs(repository, [blob], 100)).data == b"new\n"


def test_an_update_brings_what_changed_and_costs_one_request_where_nothing_did(source, tmp_path: Path):
    url, clones = f"file://{source.folder}", tmp_path / "clones"
    folder = clone(url, clones)
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file())
    network = Network()
    clone(url, clones, network)
    assert network.requests[url] == 1
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()) == before

    old = source.git("rev-parse", "main")
    source.commit({"src/a.py": "newer\n", "LICENSE": MIT + "\n"}, parents=[old])
    source.commit({"x.py": "side\n"}, parents=[old], branch="side")
    source.git("tag", "--force", "v1", old)
    clone(url, clones)
    assert references(source, folder) == references(source)
    with open_repository(folder) as repository:
        assert len(list(read_log(repository))) == 4
        assert license_at_head(repository) == "mit"

    rewritten = source.commit({"src/a.py": "rewritten\n"}, branch="trunk")
    source.git("update-ref", "refs/heads/main", rewritten)
    source.git("update-ref", "-d", "refs/heads/side")
    source.git("tag", "--delete", "v1")
    source.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    clone(url, clones)
    assert references(source, folder) == references(source)
    with open_repository(folder) as repository:
        assert len(list(read_log(repository))) == 1
        assert repository.head == rewritten


def test_what_a_killed_run_leaves_behind_is_no_hindrance(source, tmp_path: Path):
    url, clones = f"file://{source.folder}", tmp_path / "clones"
    folder = clone(url, clones)
    (folder / "refs/heads").mkdir(parents=True, exist_ok=True)
    left = [folder / "packed-refs.lock", folder / "refs/heads/main.lock", folder / "HEAD.lock",
            folder / "objects/pack/tmp_pack_x1y2z3", clones / f".{folder.name}.abc.part/clone/HEAD"]  # fmt: skip
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    source.commit({"src/a.py": "newer\n"}, parents=[source.git("rev-parse", "main")])
    assert clone(url, clones) == folder
    assert references(source, folder) == references(source)
    assert [path for path in left if path.exists()] == []


def test_a_host_that_is_gone_leaves_the_clone_of_before(source, tmp_path: Path, capfd):
    url, clones = f"file://{source.folder}", tmp_path / "clones"
    folder = clone(url, clones)
    before = references(source, folder)
    shutil.move(source.folder, tmp_path / "elsewhere")
    assert clone(url, clones, Network(Limits(tries=1))) == folder
    source.folder = tmp_path / "elsewhere"
    assert references(source, folder) == before
    assert f"{url}: git ls-remote failed" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://github.com/a/b.git", "github.com"), ("ssh://git@Host.org:22/a/b", "host.org:22"), ("file:///srv/a/b", ""),
     ("http://127.0.0.1:8000/a/b", "127.0.0.1:8000"), ("http://localhost/a/b", "localhost")],
)  # fmt: skip
def test_hosts(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.example.org/a/b", "http://127.0.0.1@example.org/a/b", "https://[::1/a/b"]
)
def test_plain_http_is_for_the_loopback_only(url):
    with pytest.raises(Problem, match="not a URL"):
        host_of(url)


def test_a_password_is_not_taken_and_not_shown():
    with pytest.raises(Problem, match="leave the password out") as caught:
        host_of("https://me:secret@example.org/a/b")
    assert "secret" not in str(caught.value)
