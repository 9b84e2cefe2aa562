"""A damaged repository costs its own rows and nobody else's, and the reason is on record."""

from __future__ import annotations

import hashlib
import zlib

import pytest

CASES = {}
BLOB, TREE = "100644", "40000"


def case(build):
    CASES[build.__name__.strip("_").replace("_", "-")] = build
    return build


def _overwrite(path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def _packed(repo):
    repo.change()
    repo.git("repack", "-adq")
    (pack,) = (repo.folder / "objects" / "pack").glob("*.pack")
    return pack


@case
def _missing_blob(repo):
    gone = repo.blob(repo.text(1))
    repo.change()
    repo.object(gone).unlink()
    repo.drop("retrieve", "blob missing")


@case
def _zero_byte_blob(repo):
    """What a power cut leaves of an object."""
    repo.change()
    _overwrite(repo.object(repo.blob(repo.text(1))), b"")
    repo.drop("retrieve", "blob missing")


@case
def _garbage_blob(repo):
    repo.change()
    _overwrite(repo.object(repo.blob(repo.text(1))), b"garbage" * 9)
    repo.drop("retrieve", "blob missing")


@case
def _cut_blob(repo):
    """Its head is whole, its body ends early."""
    repo.change()
    path = repo.object(repo.blob(repo.text(1)))
    _overwrite(path, path.read_bytes()[:-40])
    repo.drop("retrieve", "repository unreadable")


@case
def _blob_of_another_text(repo):
    """Well-formed, but not what its name says: the contents would be a lie."""
    repo.change()
    lie = f"{repo.secret}\n".encode()
    _overwrite(repo.object(repo.blob(repo.text(1))), zlib.compress(b"blob %d\0%s" % (len(lie), lie)))
    repo.drop("retrieve", "blob missing")


@case
def _blob_that_says_it_is_enormous(repo):
    repo.change()
    _overwrite(repo.object(repo.blob(repo.text(1))), zlib.compress(b"blob 99999999999999\0x"))
    repo.drop("retrieve", "larger than the limit")


@case
def _file_that_is_a_tree(repo):
    tree = repo.tree([(BLOB, b"x", repo.blob("x\n"))])
    repo.change(old=(BLOB, tree))
    repo.drop("retrieve", "blob missing")


@case
def _file_that_is_a_commit(repo):
    commit = repo.commit(repo.tree([]), branch=None)
    repo.change(old=(BLOB, commit))
    repo.drop("retrieve", "blob missing")


@case
def _missing_tree(repo):
    last = repo.change()
    repo.object(repo.git("rev-parse", f"{last}^{{tree}}")).unlink()
    repo.skip("unable to read tree")


@case
def _missing_tree_of_the_past(repo):
    last = repo.change()
    repo.object(repo.git("rev-parse", f"{last}^^{{tree}}")).unlink()
    repo.skip("unable to read tree")


@case
def _tree_that_is_a_blob(repo):
    first = repo.root()
    repo.commit(repo.blob("no tree\n"), first)
    repo.skip("git log failed")


@case
def _cut_tree(repo):
    first = repo.root()
    repo.commit(repo.raw("tree", b"100644 a.py\0short"), first)
    repo.skip("too-short tree object")


@case
def _missing_parent(repo):
    repo.commit(repo.tree(repo.base()), "1" * 40)
    repo.skip(f"Could not read {'1' * 40}")


@case
def _parent_that_is_a_tree(repo):
    tree = repo.tree(repo.base())
    repo.commit(tree, tree)
    repo.skip("is a tree, not a commit")


@case
def _commit_without_a_tree(repo):
    repo.branch(repo.raw("commit", b"author A <a@example.org> 1500000000 +0000\n\nno tree\n"))
    repo.skip("bogus commit object")


@case
def _zero_byte_commit(repo):
    """git takes its reference for broken; no commit of it is left to be read."""
    last = repo.change()
    _overwrite(repo.object(last), b"")
    repo.skip("git")


@case
def _corrupt_pack(repo):
    pack = _packed(repo)
    data = bytearray(pack.read_bytes())
    data[12:-20] = bytes(len(data) - 32)
    _overwrite(pack, bytes(data))
    repo.skip("git")


@case
def _cut_pack(repo):
    pack = _packed(repo)
    _overwrite(pack, pack.read_bytes()[:40])
    repo.skip("git")


@case
def _corrupt_index_of_a_pack(repo):
    pack = _packed(repo)
    _overwrite(pack.with_suffix(".idx"), b"\xfftOc" + bytes(4000))
    repo.skip("git")


@case
def _pack_without_its_index(repo):
    _packed(repo).with_suffix(".idx").unlink()
    repo.skip("git")


@case
def _lying_commit_graph(repo):
    """A commit graph that does not know the parent of the last commit, as after grafting."""
    last = repo.change()
    first = repo.git("rev-parse", f"{last}^")
    (repo.folder / "info").mkdir(exist_ok=True)
    (repo.folder / "info" / "grafts").write_text("")
    repo.git("commit-graph", "write", "--reachable")
    graph = repo.folder / "objects" / "info" / "commit-graph"
    data = graph.read_bytes()
    at = data.index(bytes.fromhex(repo.git("rev-parse", f"{last}^{{tree}}")))
    lie = data[: at + 20] + (0x70000000).to_bytes(4, "big") + data[at + 24 : -20]
    _overwrite(graph, lie + hashlib.sha1(lie, usedforsecurity=False).digest())
    assert repo.git("-c", "core.commitGraph=true", "rev-list", "--count", "main") == "1", "git itself believes it"
    assert first
    repo.keep()


@case
def _noise_for_a_commit_graph(repo):
    repo.change()
    (repo.folder / "objects" / "info" / "commit-graph").write_bytes(b"CGPH" + bytes(range(256)))
    repo.keep()


@case
def _noise_for_a_pack_list(repo):
    _packed(repo)
    (repo.folder / "objects" / "pack" / "multi-pack-index").write_bytes(b"MIDX" + bytes(range(256)) * 9)
    repo.keep()


@pytest.fixture(scope="module")
def run(run_cases):
    return run_cases(CASES)


@pytest.mark.parametrize("case", ["control", *CASES])
def test_damage_stays_where_it_is(run, case):
    run.check(case)


def test_every_row_is_accounted_for(run):
    found, expected = run.ledger()
    assert found == expected
