"""The default corpus, read back with plain git: what it must hold for the pipeline to have something to show."""

from __future__ import annotations

import datetime
import importlib
import re
import resource
import statistics
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from themis import records
from themis.demo.corpus import write_corpus
from themis.demo.domains import domains
from themis.vocabulary import CODE_CRITERIA, LANGUAGES, LICENSES

SEED = 7
GRAMMARS = {
    "C": "tree_sitter_c",
    "C#": "tree_sitter_c_sharp",
    "C++": "tree_sitter_cpp",
    "Go": "tree_sitter_go",
    "Java": "tree_sitter_java",
    "JavaScript": "tree_sitter_javascript",
    "Python": "tree_sitter_python",
    "Ruby": "tree_sitter_ruby",
}


@dataclass
class Seen:
    """A commit as git shows it; `files` holds (status, old blob, new blob, path) against the first parent."""

    parents: list[str]
    times: tuple[int, int]
    author: str
    message: str
    files: list[tuple[str, str, str, str]] = field(default_factory=list)


@dataclass
class Corpus:
    """The corpus on disk, read once."""

    root: Path
    manifest: pl.DataFrame
    seconds: float
    commits: dict[str, dict[str, Seen]]
    blobs: dict[str, dict[str, bytes]]

    def sides(self, row: dict) -> tuple[bytes, bytes]:
        """The old and the new contents of a single-file commit."""
        seen = self.commits[row["repository"]][row["commit"]]
        (_, old, new, path) = seen.files[0]
        assert (len(seen.files), path) == (1, row["path"])
        return self.blobs[row["repository"]][old], self.blobs[row["repository"]][new]

    def rows(self, kind: str) -> Iterator[dict]:
        """The manifest's rows of a kind."""
        return self.manifest.filter(pl.col("kind") == kind).iter_rows(named=True)


def git(path: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    return subprocess.run(["git", f"--git-dir={path}", *arguments], input=stdin, capture_output=True, check=True).stdout


def processor_seconds() -> float:
    return sum(
        use.ru_utime + use.ru_stime for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("demo")
    before = processor_seconds()
    write_corpus(folder / "corpus", folder / "demo.parquet", seed=SEED)
    seconds = processor_seconds() - before
    commits, blobs = {}, {}
    for path in sorted((folder / "corpus").glob("*/*.git")):
        name = f"{path.parent.name}/{path.stem}"
        commits[name], blobs[name] = read_repository(path)
    manifest = pl.from_arrow(records.read(folder / "demo.parquet", "demo"))
    return Corpus(folder / "corpus", manifest, seconds, commits, blobs)


def read_repository(path: Path) -> tuple[dict[str, Seen], dict[str, bytes]]:
    log = git(path, "log", "--all", "--raw", "--no-renames", "--no-abbrev", "--root", "-z", "-m", "--first-parent",
              "--format=%x01%H%x02%P%x02%at%x02%ct%x02%an%x02%B%x03")  # fmt: skip
    commits: dict[str, Seen] = {}
    # --first-parent hides what merges brought in, so side commits come from a second walk without it.
    sides = git(path, "log", "--all", "--raw", "--no-renames", "--no-abbrev", "--root", "-z",
                "--format=%x01%H%x02%P%x02%at%x02%ct%x02%an%x02%B%x03")  # fmt: skip
    for chunk in (log + sides).split(b"\x01")[1:]:
        head, _, tail = chunk.partition(b"\x03")
        sha, parents, authored, committed, author, message = head.decode().split("\x02")
        parts = [part for part in tail.strip(b"\0\n").split(b"\0") if part]
        files = []
        for raw, name in zip(parts[::2], parts[1::2], strict=True):
            _, _, old, new, status = raw.decode().lstrip("\n:").split(" ")
            files.append((status, old, new, name.decode()))
        seen = Seen(parents.split(), (int(authored), int(committed)), author, message, files)
        if sha not in commits or not commits[sha].files:
            commits[sha] = seen
    wanted = sorted({oid for seen in commits.values() for file in seen.files for oid in file[1:3]})
    answer = git(path, "cat-file", "--batch", stdin="\n".join(wanted).encode() + b"\n")
    blobs, at = {}, 0
    for oid in wanted:
        end = answer.index(b"\n", at)
        header = answer[at:end].split()
        at = end + 1
        if header[1] != b"missing":  # the all-zero id of an addition or a deletion
            blobs[oid] = answer[at : at + int(header[2])]
            at += int(header[2]) + 1
    return commits, blobs


def words(text: bytes) -> list[str]:
    return re.findall(r"[A-Za-z0-9_]+", text.decode("utf-8", "replace"))


def runs(texts: tuple[bytes, bytes], length: int) -> set[tuple[str, ...]]:
    return {tuple(w[i : i + length]) for w in map(words, texts) for i in range(len(w) - length + 1)}


def test_every_commit_of_every_repository_is_in_the_manifest_once(corpus: Corpus) -> None:
    listed = Counter(corpus.manifest["commit"])
    assert set(listed.values()) == {1}
    assert set(listed) == {sha for commits in corpus.commits.values() for sha in commits}
    assert len(listed) >= 1500
    for row in corpus.manifest.iter_rows(named=True):
        assert row["commit"] in corpus.commits[row["repository"]]
        assert (row["kind"] == "improvement") == (row["criterion"] != "") == (row["family"] != "")


def test_it_takes_seconds(corpus: Corpus) -> None:
    assert corpus.seconds < 20, f"{corpus.seconds:.1f} s of processor time"


def test_repositories_languages_licences_and_heads(corpus: Corpus, tmp_path: Path) -> None:
    from identify.identify import license_id

    by_language, licences = defaultdict(list), {}
    git(sorted(corpus.root.glob("*/*.git"))[0], "fsck", "--strict")
    for path in sorted(corpus.root.glob("*/*.git")):
        name = f"{path.parent.name}/{path.stem}"
        assert git(path, "symbolic-ref", "HEAD").strip() == b"refs/heads/main"
        files = git(path, "ls-tree", "-r", "--name-only", "-z", "HEAD").decode().split("\0")
        assert {"LICENSE", "README.md"} <= set(files)
        (tmp_path / "LICENSE").write_bytes(git(path, "show", "HEAD:LICENSE"))
        licences[name] = (license_id(str(tmp_path / "LICENSE")) or "").lower()
        extensions = {
            language for language in LANGUAGES.values() if any(f.endswith(language.extensions) for f in files)
        }
        assert len(extensions) == 1, name
        by_language[extensions.pop().name].append(name)
    assert set(by_language) == set(LANGUAGES)
    assert min(map(len, by_language.values())) >= 4
    odd = [name for name, licence in licences.items() if licence not in LICENSES["permissive"]]
    assert {licences[name] for name in odd} == {"gpl-3.0"} and len(odd) == 1
    assert len(set(licences.values())) == 6
    assert {row["repository"] for row in corpus.rows("copyleft")} == set(odd)


def test_improvements_are_spread_as_asked_for(corpus: Corpus) -> None:
    improvements = corpus.manifest.filter(pl.col("kind") == "improvement")
    cells = improvements.group_by("criterion", "language", "window").agg(
        pl.len().alias("pairs"), pl.col("family").n_unique().alias("families"), pl.col("repository").n_unique()
    )
    assert cells.height == len(CODE_CRITERIA) * len(LANGUAGES) * 2
    assert set(cells["criterion"]) == {criterion.value for criterion in CODE_CRITERIA}
    train, benchmark = (cells.filter(pl.col("window") == window) for window in ("train", "benchmark"))
    assert set(train["pairs"]) == set(train["families"]) == {4} and set(train["repository"]) == {3}
    assert set(benchmark["pairs"]) == set(benchmark["families"]) == {2} and set(benchmark["repository"]) == {1}


def test_an_improvement_changes_one_file_that_came_with_others_and_nobody_else_touches(corpus: Corpus) -> None:
    kinds = dict(zip(corpus.manifest["commit"], corpus.manifest["kind"], strict=True))
    touched = defaultdict(set)
    for name, commits in corpus.commits.items():
        for sha, seen in commits.items():
            for _, _, new, path in seen.files:
                touched[name, path].add((kinds[sha], sha, new))
    for row in corpus.rows("improvement"):
        old, new = corpus.sides(row)
        assert (len(old.decode()), len(new.decode())) == (row["old_length"], row["new_length"])
        own = [use for use in touched[row["repository"], row["path"]] if use[0] != "merge"]
        assert sorted(kind for kind, _, _ in own) == ["improvement", "multi_file"]
        added = next(corpus.commits[row["repository"]][sha] for kind, sha, _ in own if kind == "multi_file")
        assert len(added.files) >= 2 and added.times < corpus.commits[row["repository"]][row["commit"]].times


def test_length_says_nothing_about_quality(corpus: Corpus) -> None:
    improvements = corpus.manifest.filter(pl.col("kind") == "improvement").with_columns(
        longer=pl.col("new_length") > pl.col("old_length")
    )
    assert improvements.filter(pl.col("new_length") == pl.col("old_length")).is_empty()
    for cell in (["criterion", "language"], ["criterion", "language", "window"]):
        shares = improvements.group_by(cell).agg(pl.len(), pl.col("longer").sum())
        assert (shares["longer"] * 2 == shares["len"]).all(), f"each even cell of {cell} is half and half"


def test_incidental_edits_say_nothing_about_quality(corpus: Corpus) -> None:
    """Comment lines and functions that only one side has are as often on the better as on the worse side."""
    comment = re.compile(rb"^\s*(?:#(?! frozen| ?include| ?define)|//(?! namespace))", re.M)
    more: Counter[str] = Counter()
    for row in corpus.rows("improvement"):
        old, new = (len(comment.findall(side)) for side in corpus.sides(row))
        more["better" if new > old else "worse" if old > new else "equal"] += 1
    assert more["better"] + more["worse"] >= 40 and more["equal"] >= 80
    assert 0.4 <= more["better"] / (more["better"] + more["worse"]) <= 0.6


def test_files_are_small_and_parse(corpus: Corpus) -> None:
    import tree_sitter

    parsers = {
        name: tree_sitter.Parser(tree_sitter.Language(importlib.import_module(grammar).language()))
        for name, grammar in GRAMMARS.items()
    }
    lengths = []
    for kind in ("improvement", "near_duplicate", "vendored", "copyleft", "fork", "reverted", "unmerged"):
        for row in corpus.rows(kind):
            for side in corpus.sides(row):
                assert not parsers[row["language"]].parse(side).root_node.has_error, side.decode()
                lengths.append(len(words(side)))
    assert statistics.median(lengths) <= 110 and max(lengths) <= 200


def test_windows_hold_and_are_disjoint(corpus: Corpus) -> None:
    day = lambda *date: datetime.datetime(*date, tzinfo=datetime.UTC).timestamp()  # noqa: E731
    bounds = {"train": (day(2015, 1, 1), day(2019, 3, 1)), "benchmark": (day(2019, 6, 1), day(2021, 2, 1))}
    windows = defaultdict(set)
    for row in corpus.manifest.iter_rows(named=True):
        since, until = bounds[row["window"]]
        seen = corpus.commits[row["repository"]][row["commit"]]
        assert all(since <= time < until for time in seen.times)
        parents = (corpus.commits[row["repository"]][parent] for parent in seen.parents)
        assert all(parent.times < seen.times for parent in parents)
        windows[row["repository"]].add(row["window"])
    assert Counter(tuple(found) for found in windows.values()) == {("train",): 27, ("benchmark",): 8}


def test_noise_is_what_it_says(corpus: Corpus) -> None:
    seen = {sha: one for commits in corpus.commits.values() for sha, one in commits.items()}
    status = lambda row: "".join(sorted(file[0] for file in seen[row["commit"]].files))  # noqa: E731
    counts = Counter(corpus.manifest["kind"])
    assert min(counts.values()) >= 5 and counts["improvement"] < 0.25 * counts.total()
    assert all(len(seen[row["commit"]].files) > 1 for row in corpus.rows("multi_file"))
    assert {status(row) for row in corpus.rows("rename")} == {"AD"}
    assert {status(row) for row in corpus.rows("addition")} == {"A"}
    assert {status(row) for row in corpus.rows("deletion")} == {"D"}
    assert {Path(row["path"]).suffix for row in corpus.rows("documentation")} == {".md"}
    assert {Path(row["path"]).suffix for row in corpus.rows("data")} == {".json", ".yml"}
    assert all("bot" in seen[row["commit"]].author for row in corpus.rows("bot"))
    merges = list(corpus.rows("merge"))
    assert {sha for sha, one in seen.items() if len(one.parents) == 2} == {row["commit"] for row in merges}
    assert all(re.match(r"Merge pull request #\d+ from \w+/", seen[row["commit"]].message) for row in merges)
    assert {"wip", "typo", "update readme.md"} <= {
        seen[row["commit"]].message.strip() for row in corpus.rows("trivial")
    }
    for row in corpus.rows("latin1"):
        with pytest.raises(UnicodeDecodeError):
            corpus.sides(row)[1].decode()
    assert all(b"\0" in corpus.sides(row)[1] for row in corpus.rows("binary"))
    odd = "".join(row["path"] for row in corpus.rows("odd_name"))
    assert all(" " in row["path"] for row in corpus.rows("odd_name")) and '"' in odd and "'" in odd


def test_many_improvements_arrive_by_merged_branches_and_some_branches_never_do(corpus: Corpus) -> None:
    merged, tips = set(), set()
    for name, commits in corpus.commits.items():
        merged |= {seen.parents[1] for seen in commits.values() if len(seen.parents) == 2}
        tips |= set(git(corpus.root / f"{name}.git", "rev-list", "--all", "--not", "main").decode().split())
    improvements = {row["commit"] for row in corpus.rows("improvement")}
    assert 0.25 < len(improvements & merged) / len(improvements) < 0.75
    assert tips == {row["commit"] for row in corpus.rows("unmerged")} and tips


def test_a_revert_brings_back_the_contents_before_the_commit_it_names(corpus: Corpus) -> None:
    reverted = {row["commit"]: row for row in corpus.rows("reverted")}
    for row in corpus.rows("revert"):
        message = corpus.commits[row["repository"]][row["commit"]].message
        sha = re.search(r'\ARevert ".+"\n\nThis reverts commit ([0-9a-f]{40})\.\n', message)[1]
        assert corpus.sides(row) == corpus.sides(reverted.pop(sha))[::-1]
    assert not reverted


def test_fork_and_vendored_copies_come_from_elsewhere(corpus: Corpus) -> None:
    (fork,) = {row["repository"] for row in corpus.rows("fork")}
    shared = {
        name: set(corpus.commits[fork]) & set(commits) for name, commits in corpus.commits.items() if name != fork
    }
    (origin,) = [name for name, common in shared.items() if common]
    assert 5 < len(shared[origin]) < len(corpus.commits[fork])
    assert set(corpus.manifest.filter(pl.col("repository") == fork)["commit"]).isdisjoint(shared[origin])
    changes = {corpus.sides(row): row["repository"] for row in corpus.rows("improvement")}
    sources = {changes[corpus.sides(row)] for row in corpus.rows("vendored")}
    assert len(sources) == 1 and sources != {row["repository"] for row in corpus.rows("vendored")}


def test_near_duplicates_are_near_and_other_improvements_are_not(corpus: Corpus) -> None:
    shingles = defaultdict(list)
    for row in corpus.rows("improvement"):
        shingles[row["repository"]].append(runs(corpus.sides(row), 5))
    near = 0
    for row in corpus.rows("near_duplicate"):
        own = runs(corpus.sides(row), 5)
        likeness = [len(own & other) / len(own | other) for other in shingles[row["repository"]]]
        near += max(likeness) >= 0.7 and own not in shingles[row["repository"]]
    assert near >= 0.8 * sum(1 for _ in corpus.rows("near_duplicate"))
    pairs = [(a, b) for group in shingles.values() for i, a in enumerate(group) for b in group[:i]]
    assert sum(len(a & b) / len(a | b) >= 0.7 for a, b in pairs) == 0


def test_training_files_share_no_thirteen_words_with_the_benchmark(corpus: Corpus) -> None:
    grams = defaultdict(list)
    for row in corpus.rows("improvement"):
        grams[row["window"]].append(runs(corpus.sides(row), 13))
    benchmark = set().union(*grams["benchmark"])
    assert sum(bool(own & benchmark) for own in grams["train"]) < 0.05 * len(grams["train"])
    assert any(grams["benchmark"])


def test_messages_pass_the_length_rule_and_some_have_a_body(corpus: Corpus) -> None:
    messages = [corpus.commits[row["repository"]][row["commit"]].message.strip() for row in corpus.rows("improvement")]
    assert all(10 < len(message) < 15000 and not message.lower().startswith("merge") for message in messages)
    assert 0.1 < sum("\n\n" in message for message in messages) / len(messages) < 0.4


def test_no_word_is_in_two_vocabularies() -> None:
    owner: dict[str, str] = {}
    for domain in domains():
        pairs = [word for pair in (*domain.nouns, *domain.others) for word in pair]
        own = [domain.namespace, *pairs, *domain.fields, *domain.verbs]
        assert len(domain.nouns) >= 4 and len(domain.others) >= 2 and min(len(domain.fields), len(domain.verbs)) >= 3
        for word in own:
            assert re.fullmatch(r"[a-z]+", word), word
            assert word not in owner, f"{word}: {owner.get(word)} and {domain.namespace}"
            owner[word] = domain.namespace
    assert len({f"{domain.owner}/{domain.name}" for domain in domains()}) == len(domains()) >= 45
