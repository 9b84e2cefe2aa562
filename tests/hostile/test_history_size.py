"""Very large things are counted and passed over, in bounded memory; none is held, none ends the run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from themis.records import read
from themis.repositories import git, log, trees

CASES = {}
BLOB, TREE = "100644", "40000"
LIMIT = 100_000


def case(build):
    CASES[build.__name__.strip("_").replace("_", "-")] = build
    return build


@case
def _fifty_megabytes(repo):
    repo.change(new=(BLOB, repo.blob(b"x = 1  # fifty\n" * (50_000_000 // 15))))
    repo.drop("retrieve", "larger than the limit")


@case
def _one_line_of_twenty_megabytes(repo):
    repo.change(old=(BLOB, repo.blob(b"y" * 20_000_000)))
    repo.drop("retrieve", "larger than the limit")


@case
def _million_lines(repo):
    repo.change(new=(BLOB, repo.blob(b"\n" * 1_000_000)))
    repo.drop("retrieve", "larger than the limit")


@case
def _as_large_as_may_be(repo):
    texts = [(repo.text(i) * 200)[:LIMIT] for i in (1, 2)]
    assert {len(text) for text in texts} == {LIMIT}
    repo.change(old=(BLOB, repo.blob(texts[0])), new=(BLOB, repo.blob(texts[1])))
    repo.keep("a.py", *texts)


@case
def _one_byte_more(repo):
    repo.change(new=(BLOB, repo.blob("z" * (LIMIT + 1))))
    repo.drop("retrieve", "larger than the limit")


@case
def _hundred_thousand_files(repo):
    """A commit that adds 100,000 files, one that changes them all, and one that changes a single file."""
    last = repo.root((BLOB, b"a.py", repo.blob(repo.text(1))))
    for version in "xy":
        oid = repo.blob(f"{version}\n")
        folder = repo.tree([(BLOB, b"f%06d.py" % i, oid) for i in range(100_000)])
        tree = repo.tree(repo.base((BLOB, b"a.py", repo.blob(repo.text(1))), (TREE, b"many", folder)))
        last = repo.commit(tree, last, message=f"a great many files, {version}\n".encode())
        repo.drop("mine", "difference truncated")
    tree = repo.tree(repo.base((BLOB, b"a.py", repo.blob(repo.text(2))), (TREE, b"many", folder)))
    repo.commit(tree, last)
    repo.keep()


@case
def _many_commits_of_many_files(repo):
    """A small store whose log is large: each commit swaps one folder for another."""
    folders = [repo.tree([(BLOB, b"f%04d.py" % i, repo.blob(text)) for i in range(200)]) for text in ("x\n", "y\n")]
    last = repo.root()
    for i in range(200):
        tree = repo.tree(repo.base((TREE, b"d", folders[i % 2])))
        last = repo.commit(tree, last, message=f"swap the folders, time {i}\n".encode(), branch=None)
        repo.drop("mine", "not a single-file change")
    repo.branch(last)


@case
def _bomb(repo):
    """Ten billion files in ten trees."""
    entry = (BLOB, b"f.py", repo.blob("x\n"))
    for _ in range(10):
        oid = repo.tree([(entry[0], b"%d.py" % i, entry[2]) for i in range(10)])
        entry = (TREE, b"d", oid)
    repo.commit(repo.tree(repo.base(entry)))
    repo.skip("ut of memory")


@case
def _more_files_than_any(repo):
    folder = repo.tree([(BLOB, b"f%04d.py" % i, repo.blob("x\n")) for i in range(1000)])
    repo.commit(repo.tree(repo.base(*((TREE, b"d%04d" % i, folder) for i in range(201)))))
    repo.skip("changes more than 200,000 files")


@case
def _bomb_put_together_by_a_merge(repo):
    """The log of a merge lists nothing; the tree at HEAD is what explodes."""
    entry = (BLOB, b"f.py", repo.blob("x\n"))
    for _ in range(10):
        oid = repo.tree([(entry[0], b"%d.py" % i, entry[2]) for i in range(10)])
        entry = (TREE, b"d", oid)
    root = repo.root()
    repo.commit(repo.tree(repo.base(entry)), root, root)
    repo.skip("HEAD has more than 200,000 files")


@case
def _abyss(repo):
    """Twenty thousand folders, one in the other: git itself does not come back from it."""
    entry = (BLOB, b"a.py", repo.blob(repo.text(1)))
    for _ in range(20_000):
        entry = (TREE, b"d", repo.tree([entry]))
    repo.root(entry)
    repo.skip("git log failed")


@case
def _thousand_licences(repo):
    last = repo.change()
    text = repo.blob("All rights reserved.\n" * 4000)
    many = [(BLOB, b"LICENSE.%04d" % i, text) for i in range(1000)]
    tree = repo.tree(repo.base((BLOB, b"a.py", repo.blob(repo.text(2))), *many))
    repo.commit(tree, last, message=b"a thousand licences\n")
    repo.drop("mine", "not a single-file change")
    repo.keep()


@case
def _ten_thousand_branches(repo):
    last = repo.change()
    lines = [f"{last} refs/heads/b/{i:05d}\n" for i in range(10_000)]
    (repo.folder / "packed-refs").write_text("# pack-refs with: peeled fully-peeled sorted \n" + "".join(lines))
    repo.keep()


@pytest.fixture(scope="module")
def run(run_cases):
    with pytest.MonkeyPatch.context() as patch:  # the bound is the same for a smaller bomb, and sooner reached
        patch.setattr(log, "MAX_FILES", 200_000)
        patch.setattr(trees, "MAX_FILES", 200_000)
        patch.setattr(git, "MAX_MEMORY", 400 << 20)
        yield run_cases(CASES)


@pytest.mark.parametrize("case", ["control", *CASES])
def test_large_things_are_passed_over(run, case):
    run.check(case)


def test_every_row_is_accounted_for(run):
    found, expected = run.ledger()
    assert found == expected


def test_what_is_cut_off_says_so(run):
    commits = read(
        run.world / "tables" / "commits.parquet", "commits", ["message", "difference", "difference_truncated"]
    )
    found = {row["message"]: row for row in commits.to_pylist()}
    for version in "xy":
        row = found[f"a great many files, {version}\n"]
        assert (len(row["difference"]), row["difference_truncated"]) == (log.MAX_DIFFERENCES, True)
    row = found["swap the folders, time 1\n"]
    assert (len(row["difference"]), row["difference_truncated"]) == (200, False)


def test_history_of_large_messages_is_read_in_bounded_memory(make_repo, tmp_path):
    """200 MB of messages, by a process of its own that says how much memory it had at most."""
    repo = make_repo("wordy", tmp_path)
    last, tree = repo.root(), repo.tree(repo.base())
    for i in range(200):
        last = repo.commit(tree, last, message=b"%d " % i * 250_000, branch=None)
    repo.branch(last)
    code = (
        "import re, sys; from pathlib import Path; from themis.mine.extract import extract;"
        "from themis.repositories.repository import open_repository\n"
        "with open_repository(Path(sys.argv[1])) as opened: extract(opened, 'a/b', Path('parts'))\n"
        # Not getrusage's figure: that of the process this one was forked from is in it.
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(repo.folder)],
        cwd=tmp_path, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert int(done.stdout) < 600_000  # KiB
