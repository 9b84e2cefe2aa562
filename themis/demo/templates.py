"""The code families of one language: templates for files that hold a worse or a better version of one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

import jinja2
import yaml
from jinja2.sandbox import SandboxedEnvironment

from themis.errors import Problem
from themis.vocabulary import LANGUAGES, Language

Slots = dict[str, object]


@dataclass(frozen=True)
class Family:
    """One kind of improvement: both sides, their import lines and commit subjects, all templates."""

    name: str
    criterion: str
    worse: str
    better: str
    messages: tuple[str, ...]
    imports: tuple[str, ...]
    better_imports: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """A language's templates: families by criterion, neutral context functions, the file around them and its path."""

    language: Language
    comment: str
    path_template: str
    file_template: str
    context: tuple[str, ...]
    families: dict[str, tuple[Family, ...]] = field(repr=False)

    @property
    def extension(self) -> str:
        """The extension of the language's source files, with its dot."""
        return self.path_template[self.path_template.rindex(".") :]

    def path(self, slots: Slots) -> str:
        """Where a file with these words lies."""
        return fill(self.path_template, slots)

    def function(self, position: int, slots: Slots) -> str:
        """A neutral context function."""
        return fill(self.context[position % len(self.context)], slots).strip("\n")

    def remark(self, text: str) -> str:
        """A comment line."""
        return f"{self.comment} {text}"

    def file(self, slots: Slots, blocks: Sequence[str], imports: Sequence[str] = ()) -> str:
        """A source file that holds the blocks in order; it ends with one newline and has no trailing spaces."""
        gap = "\n\n\n" if self.language.name == "Python" else "\n\n"
        lines = "\n".join(fill(line, slots) for line in imports)
        text = fill(self.file_template, {**slots, "imports": lines, "body": gap.join(blocks)})
        return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n") + "\n"


def fill(template: str, slots: Slots) -> str:
    """The template with its slots filled in."""
    return _compiled(template).render(slots)


def all_code() -> list[Code]:
    """The templates of the eight languages, in the order of the vocabulary. Raises Problem where a file is missing."""
    return [_read(language) for language in LANGUAGES.values()]


def data_files() -> list[Traversable]:
    """The data files a corpus is made from."""
    folder = resources.files("themis.demo")
    families = [folder.joinpath("families", f"{language.key}.yaml") for language in LANGUAGES.values()]
    return [folder.joinpath("domains.yaml"), *families]


def _read(language: Language) -> Code:
    source = resources.files("themis.demo").joinpath("families", f"{language.key}.yaml")
    if not source.is_file():
        raise Problem(f"themis/demo/families/{language.key}.yaml: no such file; install the package whole")
    data = yaml.load(source.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    families: dict[str, list[Family]] = {}
    for row in data["families"]:
        imports = tuple(row.get("imports", ()))
        families.setdefault(row["criterion"], []).append(
            Family(
                name=row["family"],
                criterion=row["criterion"],
                worse=row["worse"],
                better=row["better"],
                messages=tuple(row["messages"]),
                imports=imports,
                better_imports=tuple(row.get("better_imports", imports)),
            )
        )
    return Code(
        language=language,
        comment=data["comment"],
        path_template=data["path"],
        file_template=data["file"],
        context=tuple(data["context"]),
        families={criterion: tuple(rows) for criterion, rows in families.items()},
    )


@lru_cache(maxsize=4096)
def _compiled(template: str) -> jinja2.Template:
    return _environment().from_string(template)


@lru_cache(maxsize=1)
def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
