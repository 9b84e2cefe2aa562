"""The figures and tables of the report, in the sections and under the captions of captions.yaml."""

from __future__ import annotations

import base64
import os
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from themis.errors import Problem

_FORMS = ("svg", "pdf", "csv")


def captions() -> dict[str, Any]:
    """What captions.yaml holds: sections (key: title, in order), figures and tables (stem: section, caption)."""
    text = files("themis.analysis").joinpath("captions.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def figure_sections(folder: Path, start: Path) -> list[dict[str, Any]]:
    """The sections that have a figure in `folder`: key, title and figures, each with stem, name, caption, source (its
    SVG as a data URI: in a frame of its own, so that ids cannot clash) and files, (form, link relative to `start`) of
    what lies beside it. Raises Problem where an SVG in the folder has no caption.
    """
    known = captions()
    present = {path.stem: path for path in sorted(folder.glob("*.svg"))}
    for stem, path in present.items():
        if stem not in known["figures"]:
            raise Problem(f"{path}: no caption for {stem}; add one to themis/analysis/captions.yaml")
    sections = []
    for key, title in known["sections"].items():
        stems = [stem for stem, figure in known["figures"].items() if figure["section"] == key and stem in present]
        if stems:
            shown = [_figure(present[stem], known["figures"][stem]["caption"], start) for stem in stems]
            sections.append({"key": key, "title": title, "figures": shown})
    return sections


def figure_name(stem: str) -> str:
    """A figure's file stem as a reader sees it: "RQ1: criteria", "Length bias"."""
    words = stem.replace("_", " ")
    return f"{words[:3].upper()}: {words[4:]}" if words.startswith("rq") else words.capitalize()


def _figure(path: Path, caption: str, start: Path) -> dict[str, Any]:
    beside = [(form.upper(), path.with_suffix(f".{form}")) for form in _FORMS]
    picture = base64.b64encode(path.read_bytes()).decode("ascii")
    return {
        "stem": path.stem,
        "name": figure_name(path.stem),
        "caption": caption,
        "source": f"data:image/svg+xml;base64,{picture}",
        "files": [(form, relative_link(file, start)) for form, file in beside if file.is_file()],
    }


def relative_link(path: Path, start: Path) -> str:
    """A link to `path` from a page in the folder `start`."""
    return quote(Path(os.path.relpath(path, start)).as_posix())
