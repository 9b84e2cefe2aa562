"""Contents are the bytes git holds, or the row says why there are none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from themis.contents.decode import decode
from themis.contents.retrieve import retrieve
from themis.errors import Problem
from themis.mine.tables import read_tables
from themis.records import SCHEMAS, gather, read, write

LIMIT = 2000


class Corpus:
    """Repositories whose commits each change one file; `rows` are what selection would hand on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict] = []

    def change(
        self, repo, path: str, old: object, new: object, repositories: list[str] | None = None, split="train"
    ) -> str:
        """Commit a file twice and note the second commit as a row; returns the row's id."""
        i = len(self.rows)
        first = repo.commit({path: old}, branch=f"b{i}")
        second = repo.commit({path: new}, parents=[first], branch=f"b{i}")
        before, after, *blobs = repo.git("diff-tree", "-r", "--no-commit-id", second).split()[:4]
        modes = int(before[1:], 8), int(after, 8)
        name = f"{repo.folder.parent.name}/{repo.folder.name.removesuffix('.git')}"
        self.rows.append({
            "id": f"{i:032x}", "commit": second, "repository": (repositories or [name])[0], "repositories": repositories or [name],
            "license": "mit", "path": path, "old_mode": modes[0], "new_mode": modes[1], "old_blob": blobs[0], "new_blob": blobs[1], "subject": "s", "message": "m",
            "committed_at": 0, "language": "Python", "split": split,
        })  # fmt: skip
        return self.rows[-1]["id"]

    def retrieve(self, repos, shards: int = 1, out: str = "out") -> tuple[dict[str, dict], dict[str | None, int]]:
        """Retrieved rows by id, and rows dropped by reason; the tables are made of `repos`."""
        read_tables([str(repo.folder) for repo in repos], self.folder / "tables", self.folder / "clones")
        write(pa.Table.from_pylist(self.rows, schema=SCHEMAS["selected"]), self.folder / "selected.parquet", "selected")
        found, ledgers = [], []
        for shard in range(shards):
            ledgers.append(self.folder / f"{out}-{shard}-of-{shards}.ledger.parquet")
            retrieve(
                self.folder / "selected.parquet", self.folder / "tables", self.folder / f"{out}-{shard}-of-{shards}.parquet",
                ledgers[-1], self.folder / f"{out}-{shard}-of-{shards}.attempts.parquet",
                shard=shard, shards=shards, max_bytes=LIMIT,
            )  # fmt: skip
            found += read(self.folder / f"{out}-{shard}-of-{shards}.parquet", "retrieved").to_pylist()
        reasons: dict[str | None, int] = {}
        rows_in = 0
        for path in ledgers:
            ledger = gather([path], self.folder / "attrition.parquet").to_pylist()
            rows_in += sum({row["scope"]: row["rows_in"] for row in ledger}.values())
            for row in ledger:
                reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["rows_dropped"]
        assert rows_in == len(self.rows)
        reasons.pop(None, None)
        assert len(found) + sum(reasons.values()) == len(self.rows)
        return {row["id"]: row for row in found}, reasons


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path)


def test_contents_are_what_git_holds_whatever_the_name(corpus: Corpus, history, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repo = history("ann/tool.git")
    cases = {
        "with space.py": ("a\r\nb\n", "a\r\nc\n"),
        "q\"uo'te.py": ("é = 1\n", "é = 2\n"),
        "new\nline.py": ("1", "2"),
        "$(touch x).py": ("\ttab\n", "\n\n no end"),
        "-rf": ("one\u2028two\n", "x\x0cy\n"),
        "żółw.py": ("z\n" * 900, "z\n" * 1000),
    }
    ids = {corpus.change(repo, path, *texts): path for path, texts in cases.items()}
    found, reasons = corpus.retrieve([repo])
    assert reasons == {}
    for row, path in ids.items():
        assert (found[row]["old_contents"], found[row]["new_contents"]) == cases[path]
        assert found[row]["encoding"] == "utf-8"
        for side in ("old", "new"):
            held = repo.git("cat-file", "-s", found[row][f"{side}_blob"])
            assert len(found[row][f"{side}_contents"].encode()) == int(held)
    assert not (tmp_path / "x").exists()


def test_what_is_no_text_is_dropped_with_its_reason(corpus: Corpus, history):
    repo = history("ann/tool.git")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1\n"
    reasons = {
        "symlink": [("120000", "/etc/hosts"), ("120000", "/etc/passwd")],
        "submodule": [("160000", "1" * 40), ("160000", "2" * 40)],
        "larger than the limit": ["x", b"y" * (LIMIT + 1)],
        "binary": [b"a\0b", "text"],
        "LFS pointer": [pointer, pointer + b"x 1\n"],
        "empty": ["", "text"],
        "not decodable": [b"\x93quoted\x94", "text"],
    }
    for name, (old, new) in reasons.items():
        corpus.change(repo, name, old, new)
    corpus.change(repo, "turned", "a file", ("120000", "a link"))
    fits = corpus.change(repo, "fits", "x", b"y" * LIMIT, split="benchmark")
    found, dropped = corpus.retrieve([repo])
    assert set(found) == {fits}
    assert dropped == {**dict.fromkeys(reasons, 1), "symlink": 2}
    ledger = read(corpus.folder / "out-0-of-1.ledger.parquet", "attrition").to_pylist()
    assert {row["scope"]: (row["rows_in"], row["rows_kept"]) for row in ledger} == {
        "train": (8, 0),
        "benchmark": (1, 1),
    }
    assert {row["stage"] for row in ledger} == {"retrieve"}


def test_encodings_are_recorded_and_no_byte_is_lost(corpus: Corpus, history):
    repo = history("ann/tool.git")
    both = corpus.change(repo, "a.py", "caf\xe9 1".encode("latin-1"), "caf\xe9 2".encode("latin-1"))
    mixed = corpus.change(repo, "b.py", "caf\xe9".encode("latin-1"), "café".encode())
    marked = corpus.change(repo, "c.py", "one".encode("utf-8-sig"), "two".encode("utf-8-sig"))
    found, _ = corpus.retrieve([repo])
    assert [found[row]["encoding"] for row in (both, mixed, marked)] == ["latin-1", "latin-1,utf-8", "utf-8-sig"]
    assert (found[both]["old_contents"], found[mixed]["old_contents"]) == ("café 1", "café")
    assert found[mixed]["new_contents"] == "café"
    assert (found[marked]["old_contents"], found[marked]["new_contents"]) == ("one", "two")


def test_every_repository_of_a_row_is_tried(corpus: Corpus, history):
    """The blob is in the last of four: the first is not at hand, the second lacks it, the third is damaged."""
    lacking, damaged, whole = history("b/lacks.git"), history("c/damaged.git"), history("d/whole.git")
    lacking.commit({"other.py": "1"})
    damaged.commit({"other.py": "2"})
    names = ["a/absent", "b/lacks", "c/damaged", "d/whole"]
    rescued = corpus.change(whole, "a.py", "old\n", "new\n", names)
    corpus.change(whole, "b.py", "old b\n", "new b\n", names[:1])
    corpus.change(whole, "c.py", "old c\n", "new c\n", names[:2])
    corpus.change(whole, "d.py", "old d\n", "new d\n", names[:3])
    repos = [lacking, damaged, whole]
    read_tables([str(repo.folder) for repo in repos], corpus.folder / "tables", corpus.folder / "clones")
    (damaged.folder / "HEAD").write_text("nonsense")
    write(pa.Table.from_pylist(corpus.rows, schema=SCHEMAS["selected"]), corpus.folder / "s.parquet", "selected")
    attempts = retrieve(
        corpus.folder / "s.parquet", corpus.folder / "tables", corpus.folder / "r.parquet", corpus.folder / "l.parquet",
        corpus.folder / "a.parquet", shard=0, shards=1, max_bytes=LIMIT,
    )  # fmt: skip
    table = read(corpus.folder / "r.parquet", "retrieved")
    assert table["id"].to_pylist() == [rescued]
    assert table["old_contents"].to_pylist() == ["old\n"]
    ledger = read(corpus.folder / "l.parquet", "attrition").to_pylist()
    assert {row["reason"]: row["rows_dropped"] for row in ledger} == {
        "repository not at hand": 1, "blob missing": 1, "repository unreadable": 1,
    }  # fmt: skip
    told = [
        (row["repo_name"], row["wanted"], row["found"], row["requests"], row["error"]) for row in attempts.to_pylist()
    ]
    assert told == [
        ("a/absent", 8, 0, 0, "repository not at hand"),
        ("b/lacks", 6, 0, 0, None),
        ("c/damaged", 4, 0, 0, "repository unreadable"),
        ("d/whole", 2, 2, 0, None),
    ]
    assert attempts.equals(read(corpus.folder / "a.parquet", "attempts"))


def test_the_two_contents_may_come_from_two_repositories(corpus: Corpus, history):
    """One repository holds the file before the change and another one the file after, in either order."""
    whole, before, after = history("c/whole.git"), history("a/before.git"), history("b/after.git")
    names = ["a/before", "b/after"]
    first = corpus.change(whole, "a.py", "a old caf\xe9\n".encode("latin-1"), "a new\n", names)
    second = corpus.change(whole, "b.py", "b old\n", "b new\n", names[::-1])
    lost = corpus.change(whole, "c.py", "c old\n", "c new\n", names[:1])
    binary = corpus.change(whole, "d.py", "d old\n", b"\0", names)
    before.commit({"a": "a old caf\xe9\n".encode("latin-1"), "b": "b old\n", "c": "c old\n", "d": "d old\n"})
    after.commit({"a": "a new\n", "b": "b new\n", "d": b"\0"})
    found, dropped = corpus.retrieve([before, after])
    assert {row: (found[row]["old_contents"], found[row]["new_contents"]) for row in found} == {
        first: ("a old caf\xe9\n", "a new\n"),
        second: ("b old\n", "b new\n"),
    }
    assert found[first]["encoding"] == "latin-1,utf-8"
    assert dropped == {"blob missing": 1, "binary": 1} and not {lost, binary} & set(found)
    assert not list(corpus.folder.glob(".*work"))


def test_shards_together_are_the_whole_in_any_order_of_rows(corpus: Corpus, history):
    repos = [history(f"{owner}/tool.git") for owner in ("ann", "bob", "cid", "dan", "eve")]
    for i in range(20):
        corpus.change(repos[i % 5], f"{i}.py", f"{i // 3} old", f"{i // 3} new")
    corpus.rows[4]["repositories"] = ["ann/tool"]  # its blobs are in eve/tool alone
    corpus.rows[4]["repository"] = "ann/tool"
    whole, dropped = corpus.retrieve(repos)
    before = read(corpus.folder / "out-0-of-1.parquet", "retrieved")
    corpus.rows.reverse()
    split, dropped_apart = corpus.retrieve(repos, shards=3)
    assert split == whole
    assert dropped == dropped_apart
    parts = [read(corpus.folder / f"out-{i}-of-3.parquet", "retrieved")["repository"].to_pylist() for i in range(3)]
    assert sum(len(set(part)) for part in parts) == len({name for part in parts for name in part}) == 5
    assert sum(bool(part) for part in parts) > 1
    corpus.retrieve(repos)
    assert before.equals(read(corpus.folder / "out-0-of-1.parquet", "retrieved"))


def test_a_long_history_of_one_file_is_paired_right(corpus: Corpus, history):
    """Far more blobs than are held at a time, all of which come back later."""
    repo = history("ann/tool.git")
    texts = [f"version {i}\n" for i in range(97)]
    repo.commit({f"{i}.py": text for i, text in enumerate(texts)})
    blobs = [hashlib.sha1(b"blob %d\0%s" % (len(text), text.encode())).hexdigest() for text in texts]
    corpus.change(repo, "a.py", "x", "y")
    row = corpus.rows.pop()
    for i in range(1, 240):
        sides = {"old_blob": blobs[(i - 1) % 97], "new_blob": blobs[i % 97]}
        corpus.rows.append({**row, **sides, "id": f"{i:032x}", "committed_at": i})
    found, dropped = corpus.retrieve([repo])
    assert dropped == {}
    pairs = {i: (found[f"{i:032x}"]["old_contents"], found[f"{i:032x}"]["new_contents"]) for i in range(1, 240)}
    assert pairs == {i: (texts[(i - 1) % 97], texts[i % 97]) for i in range(1, 240)}


def test_shard_out_of_range_is_refused(tmp_path: Path):
    with pytest.raises(Problem, match="shard 2 of 2: shards are numbered 0 to 1"):
        retrieve(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path, shard=2, shards=2, max_bytes=1)


@pytest.mark.parametrize("text", ["plain", "żółw\r\n", "\ufeffx", "a\u0085b", "𝒳"])
def test_utf8_text_comes_back_as_it_went(text):
    decoded, encoding = decode(text.encode())
    assert decoded.encode(encoding) == text.encode()
