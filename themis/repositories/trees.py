"""What the files of the main line say about a repository: languages by bytes, and the licence."""

from __future__ import annotations

import re
from collections import Counter

from themis.errors import Problem
from themis.repositories.license_text import license_of
from themis.repositories.log import MAX_FILES, null_separated, path_text
from themis.repositories.objects import read_blobs
from themis.repositories.repository import Repository
from themis.vocabulary import language_of

_REGULAR = ("100644", "100755", "100664")
_LICENSE_NAMES = re.compile(r"([a-z0-9.]+-)?(licen[sc]e|copying|unlicense)([.-].*)?", re.IGNORECASE)
_MAX_LICENSE = 100_000
_MAX_LICENSES = 16  # files looked at, the plainest names first


def languages_at_head(repository: Repository) -> dict[str, int | None]:
    """Bytes per language (of vocabulary.FILE_LANGUAGES) of the files at HEAD, the largest first.

    None where the repository lacks some of the files, as a clone without contents does. Raises Problem where there are
    more than MAX_FILES.
    """
    sizes: Counter[str] = Counter()
    unknown: set[str] = set()
    with repository.stream("ls-tree", "-r", "-l", "-z", "--full-tree", repository.head) as stream:
        for files, entry in enumerate(null_separated(stream)):
            if files == MAX_FILES:
                raise Problem(f"{repository.folder}: HEAD has more than {MAX_FILES:,} files; leave it out")
            facts, name = entry.split(b"\t", 1)
            mode, _, _, size = facts.decode().split()
            language = language_of(path_text(name))
            if mode not in _REGULAR or language is None:
                continue
            if size.isdigit():
                sizes[language.name] += int(size)
            else:
                sizes[language.name] += 0
                unknown.add(language.name)
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
    plainest = sorted(names, key=lambda name: (len(name), name))[:_MAX_LICENSES]
    wanted = sorted({names[name] for name in plainest})
    blobs = {blob.oid: blob.data for blob in read_blobs(repository, wanted, _MAX_LICENSE)}
    texts = [(blobs[names[name]] or b"").decode(errors="replace") for name in plainest]
    known = [key for key in map(license_of, texts) if key]
    if known and known[0].startswith("gpl-"):
        known.sort(key=lambda key: not key.startswith("lgpl-"))
    return known[0] if known else ""
