"""Run a notebook with its parameters: the executed notebook, and a page of it that needs no network."""

from __future__ import annotations

import ast
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from themis.analysis.pages import render
from themis.errors import Problem
from themis.files import write_text

_TAG = "parameters"
_CELL_SECONDS = 1800


def run(template: Path, out_ipynb: Path, out_html: Path, given: Sequence[str] = ()) -> None:
    """Execute `template` in the running interpreter, in the current folder, with the parameters `given` as NAME=VALUE.

    A parameter that is a list in the template takes every VALUE given under its name; an empty one adds
    nothing. Raises Problem where a parameter
    is unknown or not of the template's type, and where a cell fails; then neither file is written.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    notebook = read(template)
    values = parse(template, defaults(template, notebook), given)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with _own_jupyter() as scratch:
        source, executed = scratch / "in.ipynb", scratch / "out.ipynb"
        nbformat.write(notebook, source)
        try:
            done = papermill.execute_notebook(
                source,
                executed,
                values,
                kernel_name="python3",
                language="python",
                cwd=Path.cwd(),
                progress_bar=sys.stderr.isatty(),
                execution_timeout=_CELL_SECONDS,
                # Sockets in a private folder: no ports to collide on, and nobody else can reach the kernel.
                config=Config({"KernelManager": {"transport": "ipc", "ip": str(scratch / "kernel")}}),
            )
        except PapermillExecutionError as error:
            said = error.evalue if error.ename == Problem.__name__ else f"{error.ename}: {error.evalue}"
            place = error.cell_index + 1 - bool(values)  # papermill puts the given parameters in a cell of their own
            raise Problem(f"{template}: cell {place}: {' '.join(said.split())[:300]}") from None
    done.metadata.pop("papermill", None)  # paths and times of this run
    for cell in done.cells:
        cell.metadata.pop("papermill", None)
    page = html(done, title=_title(done, template))
    write_text(out_ipynb, nbformat.writes(done) + "\n")
    write_text(out_html, page)


def locate(path: str | Path) -> Path:
    """The folder from which the relative `path` is meant: the current one, or, where the path is not there, the nearest
    one above with a Snakefile. A notebook opened by hand starts in its own folder."""
    here = Path.cwd()
    if (here / path).exists():
        return here
    return next((folder for folder in (here, *here.parents) if (folder / "Snakefile").is_file()), here)


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook in a file. Raises Problem where it is not one."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, AttributeError, KeyError):
        raise Problem(f"{path}: not a Jupyter notebook of format 4") from None
    return notebook


def defaults(path: Path, notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """The parameters and their defaults: the assignments of the one cell tagged `parameters`."""
    tagged = [cell for cell in notebook.cells if _TAG in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise Problem(f"{path}: {len(tagged)} cells are tagged `{_TAG}`; there must be exactly one")
    found = {}
    for statement in ast.parse(tagged[0].source).body:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise Problem(f"{path}: the `{_TAG}` cell may only assign values to names")
        found[statement.targets[0].id] = ast.literal_eval(statement.value)
    return found


def parse(path: Path, known: dict[str, Any], given: Sequence[str]) -> dict[str, Any]:
    """Values of the parameters given as NAME=VALUE, each of the type of its default."""
    values: dict[str, Any] = {}
    for item in given:
        name, equals, text = item.partition("=")
        if not equals:
            raise Problem(f"--parameter {item}: must be NAME=VALUE")
        if name not in known:
            raise Problem(f"{path}: no parameter {name}; it has {', '.join(known)}")
        if isinstance(known[name], list):
            values.setdefault(name, []).extend([text] if text else [])
            continue
        if name in values:
            raise Problem(f"--parameter {item}: {name} is given twice and is not a list")
        try:
            values[name] = type(known[name])(text)
        except ValueError:
            raise Problem(f"--parameter {item}: must be of type {type(known[name]).__name__}") from None
    return values


def html(notebook: nbformat.NotebookNode, title: str) -> str:
    """The notebook as one page: its own style, no script, pictures inside."""
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    # "basic" is the body alone; the full templates load scripts from the network.
    body, _ = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    ).from_notebook_node(notebook)
    return render("notebook.html.j2", title=title, body=body, code_style=HtmlFormatter().get_style_defs(".highlight"))


def _title(notebook: nbformat.NotebookNode, path: Path) -> str:
    """The first heading, or the file's name."""
    lines = (line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("#")), Path(path).stem)


@contextmanager
def _own_jupyter() -> Iterator[Path]:
    """A short-lived folder for all that Jupyter writes, so that neither the home folder nor its kernels matter."""
    with tempfile.TemporaryDirectory(prefix="themis-") as folder:
        own = {
            name: str(Path(folder, name.lower())) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
        }
        own |= {"JUPYTER_CONFIG_DIR": str(Path(folder, "config")), "JUPYTER_PREFER_ENV_PATH": "1", "MPLBACKEND": "agg"}
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield Path(folder)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
