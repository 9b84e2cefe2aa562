"""Writing the corpus: the same bytes from the same seed anywhere, whole or not at all, errors in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from themis.demo import corpus as corpus_module
from themis.demo.cast import Told
from themis.demo.corpus import write_corpus
from themis.demo.domains import domains
from themis.demo.fastimport import write_repository
from themis.demo.history import History
from themis.demo.people import Person
from themis.demo.project import Project
from themis.demo.templates import all_code
from themis.errors import Problem

SMALL = {"repositories_per_language": 3, "families": 2, "training_pairs": 2, "benchmark_pairs": 1, "commits": 200}
SOMEONE = Person("Some One", "some.one@mail.example")


def refs(root: Path) -> dict[str, str]:
    found = {}
    for path in sorted(root.glob("*/*.git")):
        listed = subprocess.run(
            ["git", f"--git-dir={path}", "show-ref"], capture_output=True, check=True, text=True
        ).stdout
        found[str(path.relative_to(root))] = listed
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_corpus(folder / "corpus", folder / "demo.parquet", seed=5, **SMALL)
    return folder


def test_a_seed_gives_the_same_hashes_and_manifest_whatever_the_environment(small: Path, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text(
        "[user]\nname = Somebody Else\n[init]\ndefaultBranch = trunk\n[core]\nautocrlf = true\n[commit]\ngpgsign = true\n"
    )
    hostile = {
        **os.environ,
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "12345",
    }
    command = [
        str(Path(sys.executable).with_name("themis")),
        "demo-corpus",
        "deep/er/corpus",
        "--manifest",
        "m/demo.parquet",
    ]
    options = [part for key, value in SMALL.items() for part in (f"--{key.replace('_', '-')}", str(value))]
    subprocess.run([*command, "--seed", "5", *options], env=hostile, cwd=tmp_path, check=True, capture_output=True)
    assert refs(tmp_path / "deep/er/corpus") == refs(small / "corpus")
    assert (tmp_path / "m/demo.parquet").read_bytes() == (small / "demo.parquet").read_bytes()
    assert not (tmp_path / "nowhere").exists()


def test_another_seed_gives_other_hashes(small: Path, tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", tmp_path / "demo.parquet", seed=6, **SMALL)
    ours, other = refs(small / "corpus"), refs(tmp_path / "corpus")
    assert not set(" ".join(ours.values()).split()[::2]) & set(" ".join(other.values()).split()[::2])


def test_a_small_corpus_has_all_its_parts(small: Path) -> None:
    manifest = pl.read_parquet(small / "demo.parquet")
    assert manifest.height >= 200 and manifest["repository"].n_unique() == 3 * 8 + 3
    kinds = {
        "improvement", "near_duplicate", "vendored", "fork", "copyleft", "multi_file", "merge", "addition", "deletion",
        "rename", "documentation", "data", "trivial", "bot", "revert", "reverted", "unmerged", "latin1", "binary",
        "odd_name",
    }  # fmt: skip
    assert set(manifest["kind"]) == kinds
    improvements = manifest.filter(pl.col("kind") == "improvement")
    cells = improvements.group_by("criterion", "language", "window").agg(
        pl.len(), (pl.col("new_length") > pl.col("old_length")).sum().alias("longer")
    )
    train, benchmark = (cells.filter(pl.col("window") == window) for window in ("train", "benchmark"))
    assert set(zip(train["len"], train["longer"], strict=True)) == {(2, 1)} and train.height == 40
    assert set(benchmark["len"]) == {1} and benchmark["longer"].sum() == 20


@pytest.fixture
def three_repositories(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus of three repositories, each of one commit."""
    told = []
    domain = domains()[0]
    for name in ("a/one", "a/two", "b/three"):
        history = History()
        history.commit({"a.txt": name.encode()}, "Begin", SOMEONE, "multi_file")
        told.append(Told(Project(5, name, all_code()[0], domain), "train", history))
    monkeypatch.setattr(corpus_module, "cast", lambda *_: told)


@pytest.mark.usefixtures("three_repositories")
def test_what_stops_halfway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def stops(history: History, path: Path) -> list[str]:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(write_repository(history, path))
        return written[-1]

    monkeypatch.setattr(corpus_module, "write_repository", stops)
    with pytest.raises(KeyboardInterrupt):
        write_corpus(tmp_path / "corpus", tmp_path / "demo.parquet", seed=5, **SMALL)
    assert len(written) == 2 and list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("three_repositories")
def test_an_earlier_corpus_is_replaced_and_anything_else_is_left_alone(tmp_path: Path) -> None:
    earlier = tmp_path / "corpus" / "someone" / "old.git"
    earlier.mkdir(parents=True)
    write_corpus(tmp_path / "corpus", tmp_path / "demo.parquet", seed=5, **SMALL)
    assert not earlier.exists() and len(refs(tmp_path / "corpus")) == 3
    precious = tmp_path / "work" / "thesis.tex"
    precious.parent.mkdir()
    precious.write_text("years of it")
    with pytest.raises(Problem, match=r"thesis\.tex.*name another folder"):
        write_corpus(tmp_path / "work", tmp_path / "demo.parquet", seed=5, **SMALL)
    assert precious.read_text() == "years of it"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"repositories_per_language": 9}, r"--repositories-per-language .* at most \d"),
        ({"families": 99}, r"--families 99: .* has \d+ code families of functional_correctness"),
    ],
)
def test_more_than_there_is_is_refused_in_one_line(tmp_path: Path, settings: dict, says: str) -> None:
    with pytest.raises(Problem, match=says) as caught:
        write_corpus(tmp_path / "corpus", tmp_path / "demo.parquet", seed=5, **{**SMALL, **settings})
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_git_refusing_a_history_is_a_problem_not_a_trace(tmp_path: Path) -> None:
    history = History()
    history.commit({"a.txt": b"x"}, "A name that git cannot store", Person("Some <One", "x"), "multi_file")
    with pytest.raises(Problem, match=r"git fast-import failed: fatal: .+"):
        write_repository(history, tmp_path / "bad.git")


def test_odd_paths_messages_and_bytes_survive(tmp_path: Path) -> None:
    files = {'a "b" \\ c\n d.py': b"\xff\x00\r\n", "ü/$(touch x).rb": b"", "plain": b"data 3\nabc\ndone\n"}
    history = History()
    history.commit(files, 'Quote "this"\n\nfrom :1\ndone', SOMEONE, "multi_file")
    side = history.commit({"plain": None}, "Delete", SOMEONE, "deletion", beside=True)
    history.merge(side, "Merge it", SOMEONE)
    history.date(5, "odd", 1_500_000_000, 1_500_100_000)
    hashes = write_repository(history, tmp_path / "odd.git")
    git = ["git", f"--git-dir={tmp_path / 'odd.git'}"]
    run = lambda *a: subprocess.run([*git, *a], capture_output=True, check=True).stdout  # noqa: E731
    for path, contents in files.items():
        assert run("cat-file", "blob", f"{hashes[0]}:{path}") == contents
    assert run("log", "-1", "--format=%B", hashes[0]).decode().strip() == 'Quote "this"\n\nfrom :1\ndone'
    assert "plain" not in run("ls-tree", "--name-only", "main").decode()
    assert run("rev-list", "--parents", "-1", "main").decode().split() == [hashes[2], hashes[0], hashes[1]]
