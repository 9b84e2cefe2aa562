"""What names the commits may be damaged or odd: what can be read is, and what cannot is on record."""

from __future__ import annotations

import pytest

CASES = {}
BLOB = "100644"


def case(build):
    CASES[build.__name__.strip("_").replace("_", "-")] = build
    return build


@case
def _branch_to_a_missing_object(repo):
    repo.change()
    repo.branch("2" * 40, "other")
    repo.skip("2" * 40)


@case
def _branch_with_a_bad_name(repo):
    """git passes over it with a warning, whatever it names."""
    last = repo.change()
    for name in ("two words", "dots..dots", "ends.lock", "a~b", "caret^", "col:on", "star*", "-", "@{x}"):
        repo.branch(last, name)
    repo.keep()


@case
def _branch_with_an_odd_name(repo):
    last = repo.change()
    for name in ("$(touch canary)", "`x`;|&", "a\u2028b\x85c", "-rf", "--all", "\U0001f600", "caf\udce9", "x" * 200):
        repo.branch(last, name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"))
    repo.keep()


@case
def _empty_branch_file(repo):
    repo.change()
    (repo.folder / "refs" / "heads" / "other").write_bytes(b"")
    repo.keep()


@case
def _branch_file_of_noise(repo):
    repo.change()
    (repo.folder / "refs" / "heads" / "other").write_bytes(bytes(range(256)))
    repo.keep()


@case
def _branches_in_a_circle(repo):
    repo.change()
    (repo.folder / "refs" / "heads" / "one").write_text("ref: refs/heads/two\n")
    (repo.folder / "refs" / "heads" / "two").write_text("ref: refs/heads/one\n")
    (repo.folder / "refs" / "heads" / "far").write_text("ref: ../../../../private/x\n")
    repo.keep()


@case
def _branch_that_is_a_tag(repo):
    """An annotated tag where a commit should be stands for its commit."""
    last = repo.change()
    tag = repo.raw("tag", f"object {last}\ntype commit\ntag v1\ntagger A <a@example.org> 1 +0000\n\nx\n".encode())
    repo.branch(tag)
    repo.keep()


@case
def _branch_that_is_a_file(repo):
    repo.change()
    repo.branch(repo.blob("a file\n"), "other")
    repo.branch(repo.tree(repo.base()), "another")
    repo.keep()


@case
def _head_detached(repo):
    last = repo.change()
    (repo.folder / "HEAD").write_text(f"{last}\n")
    repo.keep()


@case
def _head_of_nothing(repo):
    repo.change()
    (repo.folder / "HEAD").write_text(f"{'3' * 40}\n")
    repo.keep()


@case
def _head_of_an_unborn_branch(repo):
    repo.change()
    (repo.folder / "HEAD").write_text("ref: refs/heads/unborn\n")
    repo.keep()


@case
def _head_that_climbs(repo):
    repo.change()
    (repo.folder / "HEAD").write_text("ref: refs/../../../../private/x\n")
    repo.keep()


@case
def _head_of_noise(repo):
    repo.change()
    (repo.folder / "HEAD").write_bytes(bytes(range(256)) * 99)
    repo.skip("HEAD is neither a branch nor a commit")


@case
def _packed_branches_of_noise(repo):
    repo.change()
    (repo.folder / "packed-refs").write_bytes(b"# pack-refs with: peeled\nnonsense\n")
    repo.skip("packed-refs")


@case
def _shallow(repo):
    """History cut off honestly: the commit at the cut seems to add everything."""
    last = repo.change()
    repo.commit(repo.tree(repo.base((BLOB, b"a.py", repo.blob(repo.text(3))))), last, message=b"one more of shallow\n")
    (repo.folder / "shallow").write_text(f"{last}\n")
    repo.dropped.clear()
    repo.drop("mine", "difference truncated")
    repo.keep("a.py", repo.text(2), repo.text(3))


@case
def _noise_for_a_shallow_list(repo):
    repo.change()
    (repo.folder / "shallow").write_text("nonsense\n")
    repo.skip("`shallow` is no list of commits")


@case
def _shallow_at_a_stranger(repo):
    repo.change()
    (repo.folder / "shallow").write_text(f"{'4' * 40}\n")
    repo.keep()


@case
def _references_in_a_newer_form(repo):
    """As `git init --ref-format=reftable` leaves it."""
    repo.change()
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.refStorage", "reftable")
    (repo.folder / "reftable").mkdir()
    (repo.folder / "HEAD").write_text("ref: refs/heads/.invalid\n")
    repo.skip("form that is not read")


@case
def _no_commit(repo):
    repo.skip("the repository is empty")


@case
def _no_references(repo):
    repo.change()
    for name in ("heads/main", "heads"):
        path = repo.folder / "refs" / name
        path.rmdir() if path.is_dir() else path.unlink()
    (repo.folder / "refs" / "tags").rmdir() if (repo.folder / "refs" / "tags").exists() else None
    repo.skip("the repository is empty")


@pytest.fixture(scope="module")
def run(run_cases):
    return run_cases(CASES)


@pytest.mark.parametrize("case", ["control", *CASES])
def test_references_cost_only_what_they_name(run, case):
    run.check(case)


def test_every_row_is_accounted_for(run):
    found, expected = run.ledger()
    assert found == expected
