from pathlib import Path

from themis.analysis.captions import captions, figure_name

# Every figure is written as vector, print and picture, with its data beside it.
FIGURE = (".svg", ".pdf", ".png", ".csv")
TABLE = (".csv", ".md", ".tex")
SHOWN = captions()


def figure(stem):
    """The files of a figure; `snakemake --report` shows the drawing with its caption, in its section."""
    drawing, *others = (f"{stem}{form}" for form in FIGURE)
    name = Path(stem).name
    known = SHOWN["figures"].get(name)
    if known is None:
        return [drawing, *others]
    shown = report(
        drawing,
        caption=f"captions/{name}.rst",
        category=SHOWN["sections"][known["section"]],
        labels={"figure": figure_name(name)},
    )
    return [shown, *others]


def table(stem):
    """The files of a table; `snakemake --report` shows the first with its caption, in its section."""
    shown, *others = (f"{stem}{form}" for form in TABLE)
    return [tabled(shown), *others]


def tabled(path):
    """A table's file as `snakemake --report` shows it."""
    name = Path(path).stem
    known = SHOWN["tables"][name]
    return report(
        path,
        caption=f"captions/tables/{name}.rst",
        category="Tables",
        subcategory=SHOWN["sections"][known["section"]],
        labels={"table": name.replace("_", " ").capitalize()},
    )
