"""Snakemake's report shows the figures and tables with the captions and sections that the kit's own report has."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from themis.analysis.captions import captions
from themis.reference.rule_page import read_rules

SNAKEFILE = """
include: "rules/drawn.smk"
include: "rules/part.smk"


rule all:
    default_target: True
    input:
        "results/figures/rq1_ties.svg",
"""
RULE = """
rule draw:
    output:
        *table("results/tables/attrition"),
        *figure("results/figures/rq1_ties"),
    shell:
        "for file in {output}; do echo '<svg xmlns=\\"http://www.w3.org/2000/svg\\"/>' > $file; done"
"""


def test_every_figure_and_table_of_a_rule_has_its_caption_in_a_file(root):
    rules = "".join(path.read_text(encoding="utf-8") for path in (root / "rules").glob("*.smk"))
    figures = re.findall(r'\*figure\("results/figures/(\w+)"\)', rules)
    tables = re.findall(r'table(?:d)?\("results/tables/(\w+)(?:\.csv)?"\)', rules)
    tables += [f"table_{number}" for number in re.search(r"PAPER_TABLES = \((.*)\)", rules)[1].split(", ")]
    assert len(figures) > 40 and len(tables) > 15
    for kind, drawn, folder in (("figures", figures, "captions"), ("tables", tables, "captions/tables")):
        known = captions()[kind]
        assert sorted(drawn) == sorted(known)
        for name, one in known.items():
            written = (root / f"rules/{folder}/{name}.rst").read_text(encoding="utf-8")
            assert written == f"{one['caption']}\n", "run `make defaults`"
        assert {path.stem for path in (root / "rules" / folder).glob("*.rst")} == set(known)


def test_no_figure_or_table_of_a_notebook_escapes_the_report(root):
    """Their files are named by `figure` and `table` alone."""
    rules = "".join(path.read_text(encoding="utf-8") for path in (root / "rules").glob("*.smk"))
    outputs = "".join(rule.directives["output"] for file in (root / "rules").glob("*.smk") for rule in read_rules(file))
    assert "*FIGURE)" not in rules.replace("for form in FIGURE)", "")
    assert "results/figures/" not in re.sub(r"figure\([^)]*\)", "", outputs)
    named = re.findall(r'"results/tables/[^"]*"', re.sub(r"tabled?\([^)]*\)", "", outputs))
    assert named == ['"results/tables/cost"']  # of no result


def test_a_report_is_made_with_caption_and_section(root, tmp_path):
    (tmp_path / "rules").mkdir()
    shutil.copy(root / "rules/drawn.smk", tmp_path / "rules")
    (tmp_path / "rules/part.smk").write_text(RULE)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    shutil.copytree(root / "rules/captions", tmp_path / "rules/captions")
    program = str(Path(sys.executable).parent / "snakemake")
    for options in (["--cores", "1"], ["--report", "report.zip"]):
        ran = subprocess.run([program, *options], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr[-2000:]
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        page = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("report.html"))
        names = archive.namelist()
    for kind, name, label in (("figures", "rq1_ties", "RQ1: ties"), ("tables", "attrition", "Attrition")):
        shown = captions()[kind][name]
        assert shown["caption"] in page
        assert captions()["sections"][shown["section"]] in page
        assert label in page
    assert any(name.endswith("rq1_ties.svg") for name in names)
    assert any(name.endswith("attrition.csv") for name in names)
