"""What hosts give and do not give: single files by their id, a few of them missing, too large, or none at all."""

from __future__ import annotations

import random
import socket
import subprocess

import pytest

from themis.contents.sources import Sources
from themis.errors import Problem
from themis.mine.tables import read_tables
from themis.records import read


def test_missing_blobs_do_not_cost_the_others(world):
    for i in range(12):
        world.change("a/one", f"old {i}\n", f"new {i}\n")
    lost = [world.rows[i]["id"] for i in (0, 5, 11)]
    for row in world.rows:
        if row["id"] in lost:
            row["new_blob"] = row["id"][-8:] + "f" * 32
    found, dropped, attempts = world.retrieve()
    assert set(found) == {row["id"] for row in world.rows} - set(lost)
    assert dropped == {"blob missing": 3}
    assert (attempts["a/one"]["wanted"], attempts["a/one"]["found"], attempts["a/one"]["error"]) == (24, 21, None)
    assert world.server.packs == {"a/one": 1}


def test_alternative_repositories_are_asked(world):
    """One is gone, one lacks the file, one has the file before the change, the last has the file after it."""
    names = ["a/gone", "b/lacks", "c/before", "d/after"]
    row = world.change("x/whole", "old\n", "new\n", names)
    world.repository("b/lacks").commit({"other": "1"})
    world.repository("c/before").commit({"a": "old\n"})
    world.repository("d/after").commit({"a": "new\n"})
    found, dropped, attempts = world.retrieve()
    assert set(found) == {row} and dropped == {}
    assert {name: (one["wanted"], one["found"], one["error"]) for name, one in attempts.items()} == {
        "a/gone": (2, 0, "repository not found"),
        "b/lacks": (2, 0, None),
        "c/before": (2, 1, None),
        "d/after": (1, 1, None),
    }


def test_a_host_without_single_files_is_cloned_once_if_allowed(world):
    for i in range(6):
        world.change("a/one", f"old {i}\n", f"new {i}\n")
    world.rows[3]["old_blob"] = "f" * 40
    world.server.protocol = ""  # an old server, which gives out what its references name and nothing else
    found, dropped, attempts = world.retrieve(chunk=4, whole_clones=False)
    assert found == {} and dropped == {"host refused": 6}
    found, dropped, attempts = world.retrieve(chunk=4)
    assert len(found) == 5 and dropped == {"blob missing": 1}
    assert world.server.packs == {"a/one": 1}
    assert (attempts["a/one"]["found"], attempts["a/one"]["requests"]) == (11, 2)


def test_disk_is_bounded_and_only_the_large_file_is_lost(world):
    """A file of 3 MB where a request may fill 1 MB: asked for in ever smaller groups."""
    rest = random.Random(1)
    large = world.change("a/one", "old\n", "".join(map(chr, rest.choices(range(33, 127), k=3_000_000))))
    small = [world.change("a/one", "old 1\n", "new 1\n")]
    world.server.fault = lambda repository, failed: "slow"
    found, dropped, attempts = world.retrieve(scratch_mb=1)
    assert set(found) == set(small) and large not in found
    assert dropped == {"larger than the limit": 1}
    assert attempts["a/one"]["requests"] == 5  # all four, then two halves, then the large one's half in quarters


def test_nothing_is_asked_without_a_template(world):
    world.change("a/one", "old\n", "new\n")
    found, dropped, attempts = world.retrieve(remote=None)
    assert found == {} and dropped == {"repository not at hand": 1}
    assert attempts["a/one"]["source"] == ""
    assert world.server.asked == {}


@pytest.mark.parametrize(
    ("remote", "told"),
    [("https://example.org/x.git", "name the repository in it"), ("http://example.org/{repository}", "not a URL that is"),
     ("ext::sh -c true://{repository}", "not a URL that is"), ("https://me:secret@example.org/{repository}", "password")],
)  # fmt: skip
def test_a_template_that_cannot_be_asked_is_refused(remote, told):
    with pytest.raises(Problem, match=told) as caught:
        Sources(None, remote)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["--upload-pack=touch x", "../../etc/passwd", "a/b/c", "a/b?x=y", "a b/c", ".a/b", "a/\n"]
)
def test_a_name_that_is_none_makes_no_url(name):
    (source,) = Sources(None, "https://example.org/{repository}.git").of(name)
    assert source.place == "" and not source.remote


def test_a_clone_without_contents_gets_them_from_where_it_came(world):
    """The folder is asked first, then the URL that the user gave; the host's own template would be the third."""
    for i in range(4):
        world.change("a/one", f"old {i}\n", f"new {i}\n")
    repository = world.repository("a/one")
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.commit({"LICENSE": "free", "0.py": "old 0\n"})
    tables = world.folder / "tables"
    (listed,) = read_tables([world.server.of("a/one")], tables, world.folder / "clones").to_pylist()
    assert listed["url"] == world.server.of("a/one")
    world.server.packs.clear()
    found, dropped, _ = world.retrieve(tables=tables, remote=None)
    assert len(found) == 4 and dropped == {}
    told = read(world.folder / "attempts.parquet", "attempts").to_pylist()
    assert [(row["source"], row["wanted"], row["found"]) for row in told] == [
        (listed["path"], 8, 1),
        (listed["url"], 7, 7),
    ]


def test_a_git_daemon_is_asked_as_well(world):
    world.change("a/one", "old\n", "new\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "git",
        "daemon",
        "--listen=127.0.0.1",
        f"--port={port}",
        "--export-all",
        f"--base-path={world.folder}/served",
    ]
    daemon = subprocess.Popen([*command, "--reuseaddr"], stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        found, dropped, attempts = world.retrieve(
            remote=f"git://127.0.0.1:{port}/{{repository}}.git", tries=8, wait_s=0.05
        )
        assert len(found) == 1 and dropped == {}
        assert attempts["a/one"]["found"] == 2
    finally:
        daemon.kill()
        daemon.wait()
