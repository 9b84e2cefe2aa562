"""A file's name is text to be kept or told apart, whatever it says: never an option, a path to open, or a command."""

from __future__ import annotations

import pytest

CASES = {}
BLOB, TREE = "100644", "40000"

# Each is one entry of the top tree, and the row is kept under exactly this path.
KEPT = {
    "space": "with space .py",
    "single-quote": "it's.py",
    "double-quote": 'say "x".py',
    "backtick": "`touch canary`.py",
    "substitution": "$(touch canary).py",
    "semicolon": "a;touch canary;.py",
    "pipe": "a|touch canary|.py",
    "ampersand": "a && touch canary &.py",
    "redirect": "a > canary < b.py",
    "percent": "%s%n%x00%H.py",
    "star": "*.py",
    "brackets": "[a-z]{1,2}?.py",
    "newline": "new\nline.py",
    "newline-colon": "new\n:100644 100644 a b M\n.py",
    "tab": "a\tb.py",
    "carriage-return": "a\rb.py",
    "escape-sequence": "\x1b[2J\x1b]0;x\x07.py",
    "backspace": "a\x08\x08b.py",
    "option": "--upload-pack=touch canary.py",
    "short-option": "-rf.py",
    "end-of-options": "--.py",
    "output-option": "--output=canary.py",
    "revision": "HEAD.py",
    "reflog": "@{u}.py",
    "range": "a..b.py",
    "peel": "main^{commit}.py",
    "pathspec": ":(glob)*.py",
    "colon": "main:a.py",
    "backslash": "..\\..\\a.py",
    "drive": "C:\\windows\\a.py",
    "tilde": "~root.py",
    "variable": "$HOME.py",
    "absolute-in-one-entry": "/etc/passwd.py",
    "climbing-in-one-entry": "../../../private/climbing-in-one-entry.py",
    "slashes": "a//b/./c.py",
    "emoji": "\U0001f600\u200d\U0001f525.py",
    "right-to-left": "\u202eyp.exe.py",
    "ignorable": ".g\u200cit.py",
    "line-separator": "a\u2028b\u2029c\x85d.py",
    "byte-order-mark": "\ufeffa.py",
    "noncharacter": "a\uffff\ufdd0.py",
    "four-kib": "x" * 4093 + ".py",
    "sixty-kib": "y" * 60_000 + ".py",
    "sql": "'; DROP TABLE commits; --.py",
    "jinja": "{{ 7 * 7 }}{% raw %}.py",
    "html": "<script>alert(1)</script>.py",
    "upper-extension": "A.PY",
}
for _name, _path in KEPT.items():

    def _case(repo, path=_path):
        repo.change(path.encode())
        repo.keep(path)

    CASES[_name] = _case

# No UTF-8, so no text: counted, and never a row.
for _name, _raw in {
    "latin-1": b"caf\xe9.py",
    "overlong": b"\xc0\xae\xc0\xae.py",
    "surrogate": b"\xed\xa0\x80.py",
    "cut-short": b"a\xe2\x82.py",
}.items():

    def _undecodable(repo, raw=_raw):
        repo.change(raw)
        repo.drop("mine", "path not UTF-8")

    CASES[_name] = _undecodable

# Folders that a checkout would refuse, each holding a file.
for _name, _folder in {
    "dot-dot": b"..",
    "dot": b".",
    "git-folder": b".git",
    "git-upper": b".GIT",
    "git-short-name": b"git~1",
    "git-ignorable": ".g\u200cit".encode(),
    "git-stream": b".git::$INDEX_ALLOCATION",
    "git-trailing-dot": b".git. ",
    "hooks": b"hooks",
}.items():

    def _folder_case(repo, folder=_folder):
        repo.change(wrap=lambda mode, oid: (TREE, folder, repo.tree([(mode, b"a.py", oid)])))
        repo.keep(f"{folder.decode()}/a.py")

    CASES[_name] = _folder_case


def _nested(repo, levels: int):
    def wrap(mode: str, oid: str) -> tuple[str, bytes, str]:
        entry = (mode, b"a.py", oid)
        for _ in range(levels):
            entry = (TREE, b"d", repo.tree([entry]))
        return entry

    repo.change(wrap=wrap)
    repo.keep("d/" * levels + "a.py")


def _five_hundred_levels(repo):
    _nested(repo, 500)


def _git_config(repo):
    """A tree that holds the files of a git directory, at its top and in `.git`."""
    config = repo.blob(f"[core]\n\tfsmonitor = {repo.program}\n\tpager = {repo.program}\n")
    inside = repo.tree([(BLOB, b"config", config), (BLOB, b"HEAD", repo.blob("ref: refs/heads/main\n"))])
    first = repo.root((TREE, b".git", inside), (BLOB, b"config", config), (BLOB, b"a.py", repo.blob(repo.text(1))))
    changed = repo.base(
        (TREE, b".git", inside), (BLOB, b"config", config), (BLOB, b"a.py", repo.blob(repo.text(2)))
    )  # fmt: skip
    repo.commit(repo.tree(changed), first)
    repo.keep()


def _case_pair(repo):
    """Names that fold to one on some file systems stay two files."""
    names = [b"A.py", b"a.py", "\u00e9.py".encode(), "e\u0301.py".encode()]
    texts = [repo.text(10 + i) for i in range(4)]
    entries = [(BLOB, name, repo.blob(text)) for name, text in zip(names, texts, strict=True)]
    last = repo.root(*entries)
    for i, name in enumerate(names):
        entries[i] = (BLOB, name, repo.blob(repo.text(20 + i)))
        said = f"change one of the alike names, number {i}\n".encode()
        last = repo.commit(repo.tree(repo.base(*entries)), last, message=said)
        repo.keep(name.decode(), texts[i], repo.text(20 + i))


def _same_name_twice(repo):
    """A tree with two entries of one name, both changed: no single file."""
    entries = [[(BLOB, b"a.py", repo.blob(repo.text(i))), (BLOB, b"a.py", repo.blob(repo.text(i + 1)))] for i in (1, 3)]
    first = repo.root(*entries[0])
    repo.commit(repo.tree(repo.base(*entries[1])), first)
    repo.drop("mine", "not a single-file change")


def _no_language(repo):
    """A name that is a revision and nothing else has no language."""
    repo.change(b"HEAD")
    repo.drop("select", "language not chosen")


def _empty_name(repo):
    repo.change(b"")
    repo.skip("empty filename in tree entry")


def _bad_mode(repo):
    repo.change(old=("1006x4", repo.blob("x")), new=(BLOB, repo.blob("y")))
    repo.skip("malformed mode in tree entry")


CASES |= {
    "five-hundred-levels": _five_hundred_levels,
    "git-config": _git_config,
    "alike-names": _case_pair,
    "same-name-twice": _same_name_twice,
    "revision-only": _no_language,
    "empty-name": _empty_name,
    "bad-mode": _bad_mode,
}


@pytest.fixture(scope="module")
def run(run_cases):
    return run_cases(CASES)


@pytest.mark.parametrize("case", ["control", *CASES])
def test_name_is_only_a_name(run, case):
    run.check(case)


def test_every_row_is_accounted_for(run):
    found, expected = run.ledger()
    assert found == expected


def test_nothing_but_the_stages_wrote_anything(run):
    here = {path.name for path in run.world.iterdir()}
    assert {name for name in here if not name.endswith(".parquet")} == {
        "canaries", "private", "programs", "repositories", "tables",
    }  # fmt: skip
    assert not list((run.world / "canaries").iterdir())
