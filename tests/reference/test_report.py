"""Snakemake's report shows the figures and tables with the captions and sections that the kit's own report has."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from themis.analysis.captions import captions

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


def test_every_figure_of_a_rule_has_its_caption_in_a_file(root):
    known = captions()["figures"]
    rules = "".join(path.read_text(encoding="utf-8") for path in (root / "rules").glob("*.smk"))
    drawn = re.findall(r'\*figure\("results/figures/(\w+)"\)', rules)
    assert len(drawn) == len(set(drawn)) > 40
    assert set(drawn) == set(known)
    for name, figure in known.items():
        written = (root / f"rules/captions/{name}.rst").read_text(encoding="utf-8")
        assert written == f"{figure['caption']}\n", "run `make defaults`"
    assert {path.stem for path in (root / "rules/captions").iterdir()} == set(known)


def test_no_figure_escapes_the_report(root):
    rules = "".join(path.read_text(encoding="utf-8") for path in (root / "rules").glob("*.smk"))
    assert "*FIGURE)" not in rules.replace("for form in FIGURE)", "")


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
    figure = captions()["figures"]["rq1_ties"]
    assert figure["caption"] in page
    assert captions()["sections"][figure["section"]] in page
    assert "RQ1: ties" in page
    assert any(name.endswith("rq1_ties.svg") for name in names)
    assert any(name.endswith("attrition.csv") for name in names)
