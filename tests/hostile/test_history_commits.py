"""What a commit says of itself, and how commits hang together, may be anything; each is counted and none misread."""

from __future__ import annotations

import pytest

CASES = {}
BLOB = "100644"
_ADA = b"Ada <ada@example.org> "


def case(build):
    CASES[build.__name__.strip("_").replace("_", "-")] = build
    return build


# The committer's line after the name; what the row says of the time, or why there is none.
for _name, (_when, _reason) in {
    "before-the-epoch": (b"-86400 +0000", "no date"),  # git writes none, and reads none
    "at-the-epoch": (b"0 +0000", None),
    "after-2038": (b"4102444800 +0000", "outside both windows"),
    "after-9999": (b"253402300800 +0000", "outside both windows"),
    "after-the-sun": (b"9999999999999999 +0000", "outside both windows"),
    "beyond-64-bits": (b"99999999999999999999999 +0000", "no date"),
    "zone-of-nonsense": (b"1500000000 +9999", None),
    "zone-of-letters": (b"1500000000 UTC", "no date"),
    "no-zone": (b"1500000000", "no date"),
    "no-time": (b"", "no date"),
    "time-in-words": (b"yesterday +0000", "no date"),
    "hexadecimal-time": (b"0x1 +0000", "no date"),
}.items():

    def _dated(repo, when=_when, reason=_reason):
        repo.change(committer=_ADA + when)
        repo.keep() if reason is None else repo.drop("mine" if reason == "no date" else "select", reason)

    CASES[_name] = _dated

# Authors' lines; who wrote it decides nothing but whether it is a bot.
for _name, _author in {
    "no-name": b"<> 1500000000 +0000",
    "angle-brackets": b"A <b> <c> <<d>> <e@example.org> 1500000000 +0000",
    "no-closing-bracket": b"A <a@example.org 1500000000 +0000",
    "name-of-controls": b"\x1b[31mA\x07\r\t <a@example.org> 1500000000 +0000",
    "name-not-utf8": b"J\xf6rg <j@example.org> 1500000000 +0000",
    "name-of-a-shell": b"`touch canary`; $(touch canary) <--all> 1500000000 +0000",
    "name-of-100-kib": b"A" * 100_000 + b" <a@example.org> 1500000000 +0000",
    "name-with-quotes": b"'; DROP TABLE commits; -- <\"'> 1500000000 +0000",
}.items():

    def _authored(repo, author=_author):
        repo.change(author=author, committer=_ADA + b"1500000000 +0000")
        repo.keep()

    CASES[_name] = _authored

# Messages; the reason why the row goes, None where it stays.
for _name, (_message, _reason) in {
    "empty-message": (b"", "message length"),
    "blank-message": (b" \n\t\n ", "message length"),
    "megabyte-message": (b"word " * 200_000, "message length"),
    "message-of-one-line": (b"x" * 14_000, None),
    "message-with-controls": (b"clear \x1b[2J\x07\x08\r the screen\x0b\x0c", None),
    "message-not-utf8": (b"repair the caf\xe9 \xff\xfe\x80 machine", None),
    "message-like-a-log": (b"make a change\n:100644 100644 1111111 2222222 M\ta.py\n\ncommit 1111\n", None),
    "message-like-headers": (b"make a change\n\ntree 1\nparent 2\nauthor x <x> 1 +0000\n", None),
    "message-of-formats": (b"%H%x00%n%B %s $(touch canary) `touch canary` {{ 1 }}", None),
    "message-of-separators": ("one\u2028two\u2029three\x85four and more".encode(), None),
    "message-right-to-left": ("\u202egnihtemos od\u202c and more".encode(), None),
    "message-of-surrogates": (b"half a pair: \xed\xa0\x80 and more", None),
}.items():

    def _said(repo, message=_message, reason=_reason):
        repo.change(message=message)
        repo.keep() if reason is None else repo.drop("mine", reason)

    CASES[_name] = _said


@case
def _message_with_a_nul(repo):
    """git itself reads a message to its first NUL; what stands behind is nobody's field."""
    repo.change(message=b"all of the message\0" + b"1" * 40 + b"\0\0:100644 100644 a b M\0evil.py\0")
    repo.keep()


@case
def _only_a_nul_for_a_message(repo):
    repo.change(message=b"\0and more of the message behind")
    repo.drop("mine", "message length")


@case
def _blocked_message(repo):
    repo.change(message=b"  Update   README.md \r\n\n")
    repo.drop("mine", "block list")


@case
def _bot(repo):
    repo.change(author=b"dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com> 1500000000 +0000")
    repo.drop("mine", "bot")


for _name, _encoding in {
    "encoding-unknown": b"x-no-such-encoding",
    "encoding-wrong": b"ISO-2022-JP",
    "encoding-of-two-bytes": b"UTF-16",
    "encoding-of-noise": b"\xff\xfe; touch canary",
    "encoding-empty": b"",
}.items():

    def _encoded(repo, encoding=_encoding):
        """A declared encoding that the message is not in may spoil the message, and nothing besides."""
        repo.change(headers=b"encoding " + encoding + b"\n", message=b"repair the machine, caf\xe9 and all of it\n")
        repo.keep()

    CASES[_name] = _encoded


@case
def _headers_of_every_kind(repo):
    repo.change(
        headers=b"encoding UTF-8\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n"
        b"mergetag object 1111111111111111111111111111111111111111\n type commit\n tag x\nHG:extra a\nparent 1\nauthor twice <x> 1 +0000\n"
    )
    repo.keep()


@case
def _no_author(repo):
    first = repo.root((BLOB, b"a.py", repo.blob(repo.text(1))))
    tree = repo.tree(repo.base((BLOB, b"a.py", repo.blob(repo.text(2)))))
    repo.branch(repo.raw("commit", f"tree {tree}\nparent {first}\n\nnobody made this change\n".encode()))
    repo.drop("mine", "no date")


@case
def _nul_among_the_headers(repo):
    """git takes all that follows it for the message."""
    repo.change(headers=b"HG:extra \0\n")
    repo.keep()


@case
def _encoding_of_a_mainframe(repo):
    """git recodes the whole commit, headers and all, so that no message is left of it."""
    repo.change(headers=b"encoding IBM037\n")
    repo.drop("mine", "message length")


@case
def _octopus(repo):
    """A merge of many is a merge; what its branches brought counts, each by itself."""
    root = repo.root()
    sides = []
    for i in range(12):
        text = repo.text(30 + i)
        added = repo.base((BLOB, f"s{i}.py".encode(), repo.blob(text)))
        sides.append(repo.commit(repo.tree(added), root, message=f"side {i} of the octopus\n".encode(), branch=None))
        repo.drop("mine", "added, deleted or renamed")
    repo.commit(repo.tree(repo.base()), *sides, message=b"bring all of them together\n")
    repo.drop("mine", "merge commit")


@case
def _merge_of_one_twice(repo):
    root = repo.root()
    repo.commit(repo.tree(repo.base((BLOB, b"b.py", repo.blob("b\n")))), root, root, message=b"the same parent twice\n")
    repo.drop("mine", "merge commit")


@case
def _criss_cross(repo):
    root = repo.root()
    pair = [root, root]
    for i in range(6):
        trees = [repo.tree(repo.base((BLOB, b"b.py", repo.blob(f"{i} {side}\n")))) for side in "xy"]
        pair = [
            repo.commit(tree, *order, message=f"crossing {i} {tree}\n".encode(), branch=f"b{n}")
            for n, (tree, order) in enumerate(zip(trees, (pair, pair[::-1]), strict=True))
        ]
        repo.drop("mine", "merge commit", 2)
    repo.branch(pair[0])


@case
def _empty_commits(repo):
    last = repo.root()
    for i in range(3):
        last = repo.commit(repo.tree(repo.base()), last, message=f"nothing at all, number {i}\n".encode())
        repo.drop("mine", "not a single-file change")


@case
def _empty_tree(repo):
    last = repo.change()
    repo.commit(repo.tree([]), last, message=b"take everything away\n", branch="gone")
    repo.drop("mine", "not a single-file change")
    repo.keep()


@case
def _roots_and_orphans(repo):
    repo.change()
    for i in range(3):
        tree = repo.tree([(BLOB, b"o.py", repo.blob(f"orphan {i}\n"))])
        repo.commit(tree, message=f"orphan number {i} of them\n".encode(), branch=f"orphan{i}")
        repo.drop("mine", "added, deleted or renamed")
    repo.keep()


@case
def _unmerged_branch(repo):
    last = repo.change()
    more = repo.tree(repo.base((BLOB, b"a.py", repo.blob(repo.text(3)))))
    repo.commit(more, last, message=b"never to be merged\n", branch="loose")
    repo.drop("select", "not merged")
    repo.keep()


@case
def _mode_only(repo):
    oid = repo.blob(repo.text(1))
    repo.change(old=(BLOB, oid), new=("100755", oid))
    repo.drop("mine", "contents unchanged")


@case
def _odd_modes(repo):
    """Modes that git reads as those of plain files."""
    repo.change(old=("100664", repo.blob(repo.text(1))), new=("0100777", repo.blob(repo.text(2))))
    repo.keep()


@case
def _mode_of_a_device(repo):
    """A device or a socket; git takes it for a submodule."""
    repo.change(old=("60000", repo.blob("x")), new=("140000", repo.blob("y")))
    repo.drop("retrieve", "submodule")


@case
def _renamed(repo):
    oid = repo.blob(repo.text(1))
    first = repo.root((BLOB, b"a.py", oid))
    repo.commit(repo.tree(repo.base((BLOB, b"b.py", oid))), first)
    repo.drop("mine", "not a single-file change")


@pytest.fixture(scope="module")
def run(run_cases):
    return run_cases(CASES)


@pytest.mark.parametrize("case", ["control", *CASES])
def test_commit_is_counted_and_read_as_git_reads_it(run, case):
    run.check(case)


def test_every_row_is_accounted_for(run):
    found, expected = run.ledger()
    assert found == expected


def test_messages_come_as_they_were_written(run):
    messages = {name: rows[0]["message"] for name, rows in run.rows.items() if rows}
    assert messages["message-like-a-log"] == "make a change\n:100644 100644 1111111 2222222 M\ta.py\n\ncommit 1111\n"
    assert messages["message-with-controls"] == "clear \x1b[2J\x07\x08\r the screen\x0b\x0c"
    assert messages["message-not-utf8"] == "repair the caf\ufffd \ufffd\ufffd\ufffd machine"
    assert messages["message-with-a-nul"] == "all of the message"
    assert messages["encoding-unknown"] == "repair the machine, caf\ufffd and all of it\n"
