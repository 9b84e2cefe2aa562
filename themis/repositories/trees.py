"""What the files of the main line say about a repository: languages by bytes, and the licence."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path, PurePosixPath

from themis.repositories.log import path_text
from themis.repositories.objects import read_blobs
from themis.repositories.repository import Repository
from themis.vocabulary import language_of

_TYPESCRIPT = (".cts", ".mts", ".ts", ".tsx")
_REGULAR = ("100644", "100755", "100664")
_LICENSE_NAMES = re.compile(r"([a-z0-9.]+-)?(licen[sc]e|copying|unlicense)([.-].*)?", re.IGNORECASE)
_MAX_LICENSE = 100_000


def languages_at_head(repository: Repository) -> dict[str, int | None]:
    """Bytes per language (the eight and TypeScript) of the files at HEAD, the largest first.

    None where the repository lacks some of the files, as a clone without contents does.
    """
    sizes: Counter[str] = Counter()
    unknown: set[str] = set()
    with repository.stream("ls-tree", "-r", "-l", "-z", "--full-tree", repository.head) as stream:
        for entry in stream.read().split(b"\0"):
            if not entry:
                continue
            facts, name = entry.split(b"\t", 1)
            mode, _, _, size = facts.decode().split()
            language = _language(path_text(name))
            if mode not in _REGULAR or language is None:
                continue
            if size.isdigit():
                sizes[language] += int(size)
            else:
                sizes[language] += 0
                unknown.add(language)
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return {language: None if language in unknown else size for language, size in ordered}


def license_at_head(repository: Repository) -> str:
    """The lower-case SPDX key of the licence at the top level of HEAD; "" where none is recognised.

    Where several files are recognised, the plainest name counts, but an LGPL stands before the GPL it adds to.
    """
    names: dict[str, str] = {}
    for entry in repository.run("ls-tree", "-z", "--full-tree", repository.head).split(b"\0"):
        facts, _, name = entry.partition(b"\t")
        if facts and facts.decode().split()[0] in _REGULAR and _LICENSE_NAMES.fullmatch(path_text(name)):
            names[path_text(name)] = facts.decode().split()[2]
    blobs = {blob.oid: blob.data for blob in read_blobs(repository, sorted(set(names.values())), _MAX_LICENSE)}
    found = [_recognise(blobs[names[name]]) for name in sorted(names, key=lambda name: (len(name), name))]
    known = [key for key in found if key]
    if known and known[0].startswith("gpl-"):
        known.sort(key=lambda key: not key.startswith("lgpl-"))
    return known[0] if known else ""


def _language(path: str) -> str | None:
    language = language_of(path)
    if language is None:
        return "TypeScript" if PurePosixPath(path).suffix.lower() in _TYPESCRIPT else None
    return language.name


def _recognise(text: bytes | None) -> str | None:
    from identify.identify import license_id

    if not text or not text.strip():
        return None
    with tempfile.NamedTemporaryFile() as file:  # license_id reads a file, and only UTF-8
        file.write(text.decode(errors="replace").encode())
        file.flush()
        found = license_id(str(Path(file.name)))
    return re.sub(r"-(only|or-later)$", "", found.lower()) if found else None
