"""The files around the code: licence, README, change log, dependency manifest, settings."""

from __future__ import annotations

import json

from themis.demo.licences import licence_text
from themis.demo.project import Project
from themis.vocabulary import Language

README, CHANGES, SETTINGS, CHECKS = "README.md", "CHANGELOG.md", "config/settings.json", ".ci/checks.yml"

_MANIFESTS = {  # file, dependency, contents
    "C": ("deps.txt", "zlib", "zlib={version}\n"),
    "C#": ("packages.config", "Polly", '<packages>\n  <package id="Polly" version="{version}" />\n</packages>\n'),
    "C++": ("conanfile.txt", "fmt", "[requires]\nfmt/{version}\n"),
    "Go": ("go.mod", "github.com/pkg/errors", "module {name}\n\nrequire github.com/pkg/errors v{version}\n"),
    "Java": ("gradle.properties", "junit", "name={name}\njunitVersion={version}\n"),
    "JavaScript": (
        "package.json",
        "debug",
        '{{\n  "name": "{name}",\n  "dependencies": {{ "debug": "{version}" }}\n}}\n',
    ),
    "Python": ("requirements.txt", "attrs", "attrs=={version}\n"),
    "Ruby": ("Gemfile", "rake", "source 'https://rubygems.org'\n\ngem 'rake', '{version}'\n"),
}


def scaffold(project: Project, licence: str, year: int) -> dict[str, bytes]:
    """The files of the first commit that are not code."""
    domain = project.domain
    return {
        "LICENSE": licence_text(licence, year, f"the {domain.name} authors").encode(),
        README: readme(project),
        CHANGES: changes(project, []),
        SETTINGS: settings(project, 1),
        CHECKS: f"name: checks\non: [push]\nrun: make test-{domain.name}\n".encode(),
        manifest_path(project.code.language): manifest(project, 0),
    }


def readme(project: Project) -> bytes:
    """The README as it begins; documentation commits add lines."""
    domain = project.domain
    plurals = [plural for _, plural in domain.nouns]
    return f"# {domain.name}\n\nKeeps track of {', '.join(plurals[:-1])} and {plurals[-1]}.\n\n".encode()


def changes(project: Project, entries: list[str]) -> bytes:
    """The change log, newest entry first."""
    return "\n".join(
        [f"# Changes of {project.domain.name}", "", *(f"- {entry}" for entry in entries[::-1]), ""]
    ).encode()


def settings(project: Project, edition: int) -> bytes:
    """A JSON file with a number for every noun."""
    values = {plural: 5 * edition + rank for rank, (_, plural) in enumerate(project.domain.nouns)}
    return (json.dumps(values, indent=2) + "\n").encode()


def manifest_path(language: Language) -> str:
    """The name of the language's dependency manifest."""
    return _MANIFESTS[language.name][0]


def manifest(project: Project, edition: int) -> bytes:
    """The dependency manifest; each edition asks for a newer version."""
    template = _MANIFESTS[project.code.language.name][2]
    return template.format(name=project.domain.name, version=_version(edition)).encode()


def bump(language: Language, edition: int) -> str:
    """The subject of the commit that brings this edition of the manifest."""
    return f"Bump {_MANIFESTS[language.name][1]} from {_version(edition - 1)} to {_version(edition)}"


def _version(edition: int) -> str:
    return f"1.{edition // 5}.{edition % 5}"
