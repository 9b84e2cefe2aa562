"""Reverts are read from the messages that git, GitHub and GitLab write, and reverts of reverts restore."""

from __future__ import annotations

import itertools
import random

import pytest

from themis.mine.reverts import Claim, claim_of, request_of, undone

ONE, TWO, THREE = "a" * 40, "b" * 40, "c" * 64


@pytest.mark.parametrize(
    ("message", "claim"),
    [
        (f'Revert "x"\n\nThis reverts commit {ONE}.\n', Claim(((ONE, None),))),
        (f"Undo\n\nThis reverts commit {ONE}, reversing\nchanges made to {TWO}.", Claim(((ONE, TWO),))),
        (f"This reverts commit {ONE} and more.\nthis reverts commit {TWO[:7]}.", Claim(((ONE, None), (TWO[:7], None)))),
        (f"Reapply \"x\"\n\nThis reverts commit {THREE}.", Claim(((THREE, None),))),
        ('Revert "add x (#12)" (#13)\n\nReverts owner/repo.name#12', Claim((), "#12", "add x (#12)")),
        ('Revert "add x"\n\nReverts #12\n', Claim((), "#12", "add x")),
        ("Revert \"Merge branch 'a' into 'b'\"\n\nThis reverts merge request group/sub/project!7", Claim((), "!7", "Merge branch 'a' into 'b'")),
        ('Revert "Revert "x""', Claim((), None, 'Revert "x"')),
        ('Reapply "x"', Claim((), None, 'Revert "x"')),
        ("This reverts commit messages to the old form", None),
        ("This reverts commit abcdef.", None),  # six digits
        ("Revert the change of yesterday", None),
        ('Say "Revert "x"" never', None),
        ("Add a test\n\nThe code reverts #12", None),
    ],
)  # fmt: skip
def test_a_message_says_what_it_reverts(message, claim):
    assert claim_of(message.partition("\n")[0], message) == claim


@pytest.mark.parametrize(
    ("message", "request_number"),
    [
        ("Add x (#12)", "#12"), ("Add x (#12)\n\n* y (#13)", "#12"), ("Merge pull request #3 from a/b\n\nAdd x", "#3"),
        ("Merged in feature (pull request #4)\n", "#4"), ("Merge branch 'a' into 'b'\n\nX\n\nSee merge request group/p!5", "!5"),
        ("Add x (!6)", "!6"), ("See merge request !7", "!7"), ("Fix #12", None), ("Add x (#12) again", None),
        ("Add x\n\nas in y (#12)", None), ("Add x (12)", None),
    ],
)  # fmt: skip
def test_a_message_says_which_request_it_was(message, request_number):
    assert request_of(message.partition("\n")[0], message) == request_number


def test_what_is_reverted_in_the_end_is_what_playing_the_reverts_back_says():
    for number in range(300):
        dice = random.Random(number)
        n = dice.randint(2, 8)
        targets = {commit: {dice.randrange(commit)} if commit and dice.random() < 0.6 else set() for commit in range(n)}
        applied = dict.fromkeys(range(n), True)  # by brute force: does the change of each commit stand at the end?
        for _ in range(n):
            for commit in range(n):
                undoing = [other for other in range(n) if commit in targets[other] and applied[other]]
                applied[commit] = not undoing
        reverts = [(str(c), map(str, targets[c])) for c in reversed(range(n)) if targets[c]]
        assert undone(reverts) == {str(c) for c in range(n) if not applied[c]}


def test_every_order_of_reverts_of_different_commits_is_the_same():
    reverts = [("d", ["a"]), ("e", ["b"]), ("f", ["c", "a"])]
    assert {frozenset(undone(order)) for order in itertools.permutations(reverts)} == {frozenset("abc")}
