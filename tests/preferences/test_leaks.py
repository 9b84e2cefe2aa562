"""Every leak of a benchmark that is planted in a training text is found, however it is laid out; clean texts stay."""

import html
import json
import random
import re
import sysconfig
import textwrap
from pathlib import Path

import pytest

from themis.preferences.decontaminate import Runs

WORDS = 13
LEAK = '''def fastest_route(graph, start, goal, blocked):
    """Return the cheapest way from start to goal that avoids what is blocked & closed."""
    costs = {start: 0}
    queue = [(0, start)]
    while queue and "goal" not in blocked:
        cost, node = heapq.heappop(queue)
        if node == goal and cost < costs[node] + 1:
            return cost
        for neighbour, weight in graph[node].items():
            if neighbour not in costs or costs[neighbour] > cost + weight:
                costs[neighbour] = cost + weight
                heapq.heappush(queue, (cost + weight, neighbour))
    return None
'''
AROUND = "class Unrelated:\n    def other(self):\n        return self.value * 2\n"


LAYOUTS = {
    "exact": lambda text: text,
    "indented anew": lambda text: textwrap.indent(text, "\t\t"),
    "without indentation": lambda text: "\n".join(line.strip() for line in text.splitlines()),
    "over many lines": lambda text: re.sub(r" +", "\n", text),
    "on one line": lambda text: " ".join(text.split()),
    "spaces around signs": lambda text: re.sub(r"([^\w\s])", r" \1 ", text),
    "upper case": str.upper,
    "lower case": str.lower,
    "commented out": lambda text: "".join(f"# {line}\n" for line in text.splitlines()),
    "in a block comment": lambda text: "/*\n" + "".join(f" * {line}\n" for line in text.splitlines()) + " */",
    "quoted in Markdown": lambda text: "".join(f"> {line}\n" for line in text.splitlines()),
    "escaped for HTML": html.escape,
    "escaped for HTML twice": lambda text: html.escape(html.escape(text)),
    "a string of JSON": json.dumps,
    "a string of JSON of JSON": lambda text: json.dumps(json.dumps(text)),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "other quotes and brackets": lambda text: text.translate(str.maketrans("\"'()[]", "'\"[]{}")),
    "some names changed": lambda text: re.sub(r"\b(fastest_route|node|heappush|queue|neighbour)\b", r"my_\1", text),
    "half of it": lambda text: text[: len(text) // 2],
    "its end": lambda text: text[-len(text) // 3 :],
}


@pytest.fixture(scope="module")
def runs():
    return Runs.of([[LEAK]], WORDS)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_leak_is_found_however_it_is_laid_out(runs, layout):
    changed = LAYOUTS[layout](LEAK)
    assert layout == "exact" or changed != LEAK
    texts = [changed, f"{AROUND}{changed}", f"{changed}\n{AROUND}", f"{AROUND * 40}{changed}\n{AROUND * 40}", AROUND]
    assert runs.shared_by(texts).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize(
    "layout", ["escaped for HTML", "escaped for HTML twice", "a string of JSON", "a string of JSON of JSON"]
)
def test_escapes_break_no_run(layout):
    """Where there is a sign to escape, or a line end, after every third word."""
    leak = 'if (one < two && three[\'four\'] > five)\n\tsix = "seven" & eight < nine\n\tten = "eleven" > twelve\n'
    escaped = LAYOUTS[layout](leak)
    assert Runs.of([[leak]], WORDS).shared_by([escaped, escaped[9:]]).tolist() == [True, False]
    assert Runs.of([[escaped]], WORDS).shared_by([leak]).tolist() == [True]


def test_renaming_hides_a_leak_only_where_no_run_of_thirteen_words_is_left(runs):
    source = random.Random(0)
    words = re.findall(r"\w+", LEAK)
    found = []
    for _ in range(300):
        renamed = set(source.sample(sorted(set(words)), source.randrange(1, 12)))
        text = re.sub(r"\w+", lambda word, names=renamed: word[0] + "_x" * (word[0] in names), LEAK)
        kept = "".join("-" if word in renamed else "x" for word in words)
        found.append("x" * WORDS in kept)
        assert runs.shared_by([text]).tolist() == [found[-1]]
    assert 30 < sum(found) < 270


NOTICE = (
    "Copyright 2012 Some Body and the other authors of this file, all of whose rights are reserved here.\n"
    "Licensed under the Apache License, Version 2.0 (the License); you may not use this file but in compliance.\n"
)
SHARED = {
    "C notice": "/*\n" + textwrap.indent(NOTICE, " * ") + " */\n",
    "line notice": textwrap.indent(NOTICE, "// "),
    "script notice": "#!/usr/bin/env python\n" + textwrap.indent(NOTICE, "# "),
    "Java": "import java.util.List;\nimport java.util.Map;\nimport static java.util.Set.of;\nimport java.io.*;\n" * 2,
    "Python": "import os, sys\nimport numpy as np\nfrom typing import Any, List\nfrom a.b import (\n    c,\n    d,\n)\n"
    * 2,
    "JavaScript": "import fs from 'fs';\nimport { a, b } from \"c\";\nconst { d } = require('e/f');\nvar g = require('h')\n"
    * 2,
    "C": '#include <stdio.h>\n#include <stdlib.h>\n# include "a/b.h"\n' * 4,
    "C++": "#include <vector>\nusing namespace std;\nusing std::map;\n" * 4,
    "C#": "using System;\nusing System.Collections.Generic;\nusing static System.Math;\n" * 4,
    "Go": 'package main\n\nimport (\n\t"fmt"\n\t"os"\n\tx "a.b/c/d"\n)\nimport "strings"\n' * 3,
    "Ruby": "require 'set'\nrequire_relative 'a/b'\n" * 5,
}


@pytest.mark.parametrize("what", SHARED)
def test_a_notice_and_imports_in_common_are_no_leak(what):
    shared = SHARED[what]
    assert Runs.of([[re.sub(r"\W", " ", shared)]], WORDS).shared_by([shared]).all()  # there are words enough
    runs = Runs.of([[f"{shared}\n{LEAK}"]], WORDS)
    assert runs.shared_by([shared, f"{shared}\n{AROUND}", f"{shared}\n{LEAK}", LEAK]).tolist() == [
        False,
        False,
        True,
        True,
    ]


def test_other_comments_and_what_only_looks_like_an_import_stay():
    prose = "Using a list of numbers, import the data from the file and package what is left of it.\n"
    comment = "/* Walks the graph from its first node to the last one and counts every edge on the way. */"
    for text in (prose, comment, "# " + prose, LEAK):
        assert Runs.of([[text]], WORDS).shared_by([text]).all()


def test_unrelated_files_share_nothing_with_one_another():
    files = {}
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if 2000 < len(text) < 60_000:
            files[path.stem] = text
    names = sorted(files)[:80]
    assert len(names) > 60
    flagged = sum(
        int(Runs.of([[files[one]]], WORDS).shared_by([files[name] for name in names if name != one]).sum())
        for one in names[::8]
    )
    assert flagged <= 10  # of some 800 comparisons
