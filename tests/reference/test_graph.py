"""The drawing of the rules shows each rule once, in its order, and says nothing twice."""

import re
import xml.etree.ElementTree as ET

import pytest

from themis.errors import Problem
from themis.reference.graph import rule_graph
from themis.reference.rule_page import read_rules

DOT = """digraph snakemake_dag {
    node[shape=box];
	0[label = "all", color = "0.1 0.6 0.85"];
	1[label = "score"];
	2[label = "train"];
	3[label = "mine"];
	1 -> 0
	2 -> 1
	3 -> 2
	3 -> 1
	2 -> 2
}
"""
SVG = "{http://www.w3.org/2000/svg}"


def _boxes(drawn):
    """Upper and lower end of every rule's box."""
    tops, ends = {}, {}
    group = ET.fromstring(drawn).findall(f"{SVG}g")[1]
    for box, text in zip(group.findall(f"{SVG}rect"), group.findall(f"{SVG}text"), strict=True):
        tops[text.text] = float(box.get("y"))
        ends[text.text] = float(box.get("y")) + float(box.get("height"))
    return tops, ends


def test_what_follows_stands_below_and_every_way_is_drawn_once():
    drawn = rule_graph(DOT)
    tops, ends = _boxes(drawn)
    assert list(tops) == ["all", "mine", "score", "train"]
    for before, after in (("mine", "train"), ("train", "score"), ("score", "all")):
        assert ends[before] < tops[after]
    # mine -> score goes without saying, and train -> train is no step.
    assert len(ET.fromstring(drawn).findall(f"{SVG}g")[0]) == 3


def test_boxes_do_not_lie_on_each_other():
    names = "".join(f'{n}[label = "rule_{n}"];\n' for n in range(9)) + "9[label = end];\n"
    edges = "".join(f"{n} -> {n % 3}\n" for n in range(3, 9))
    places = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', rule_graph(names + edges))
    boxes = [tuple(map(int, place)) for place in places]
    for at, (x, y, w, h) in enumerate(boxes):
        for a, b, c, d in boxes[at + 1 :]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_the_same_graph_gives_the_same_bytes_however_it_is_listed():
    head, *lines = DOT.splitlines()
    assert rule_graph(DOT) == rule_graph("\n".join([head, *reversed(lines)]))


def test_a_text_without_rules_is_refused():
    with pytest.raises(Problem, match="no rule in what Snakemake printed"):
        rule_graph("digraph {}")


def test_the_drawing_of_the_project_is_small_and_of_its_rules(root):
    path = root / "notebooks/reference/rules.svg"
    assert path.stat().st_size < 60_000
    rules = {rule.name for file in (root / "rules").glob("*.smk") for rule in read_rules(file)}
    drawn, _ = _boxes(path.read_text(encoding="utf-8"))
    assert set(drawn) <= rules, "run `make defaults`"
    assert {"mine", "train", "score", "crb", "report"} <= set(drawn)
