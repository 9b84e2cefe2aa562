"""The diff that stands for a commit is the changed lines of the real diff, whatever surrounds them."""

from __future__ import annotations

import difflib
import random

import pytest

from themis.dedup.documents import changed_lines


@pytest.mark.parametrize("seed", range(20))
def test_changed_lines_turn_the_old_text_into_the_new(seed: int) -> None:
    draw = random.Random(seed)
    old = [draw.choice("abcdefgh") * draw.randrange(1, 4) for _ in range(draw.randrange(30))]
    new = [line for line in old if draw.random() > 0.1]
    for _ in range(draw.randrange(4)):
        new.insert(draw.randint(0, len(new)), "fresh")
    marked = changed_lines("\n".join(old), "\n".join(new)).splitlines()
    removed = [line[2:] for line in marked if line.startswith("_ ")]
    added = [line[3:] for line in marked if line.startswith("__ ")]
    assert len(removed) + len(added) == len(marked)
    for line in set(old) | set(new):
        assert old.count(line) - removed.count(line) == new.count(line) - added.count(line)
    edits = [line for line in difflib.ndiff(old, new) if line[0] in "+-"]
    assert len(marked) <= len(edits) + 4  # difflib itself need not find the shortest


def test_surroundings_do_not_matter_and_adding_is_not_removing() -> None:
    around = [f"line {i}" for i in range(50)]
    short, long = "\n".join(["a", "b", "c"]), "\n".join(["a", "x", "c"])
    framed = ["\n".join([*around, text, *around]) for text in (short, long)]
    assert changed_lines(*framed) == changed_lines(short, long) == "_ b\n__ x"
    assert changed_lines("a\nb", "a\nb") == ""
    assert changed_lines("", "a\nb") == "__ a\n__ b"
    assert changed_lines("a\nb", "") == "_ a\n_ b"
    assert changed_lines("a\na", "a") == "_ a"
