"""Clones by URL, the names of repositories, and what the files at HEAD say."""

from __future__ import annotations

from pathlib import Path

import pytest
from identify.vendor.licenses import LICENSES

from themis.errors import Problem
from themis.repositories.clone import clone
from themis.repositories.log import count_commits, read_log
from themis.repositories.naming import name_of
from themis.repositories.repository import open_repository
from themis.repositories.trees import languages_at_head, license_at_head
from themis.repositories.urls import is_url

TEXTS = dict(LICENSES)


def test_clone_holds_the_history_and_is_used_again(history, tmp_path: Path):
    repo = history("owner/source.git")
    repo.commit({"b": "2"}, parents=[repo.commit({"a": "1"})])
    hook = repo.folder / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    url = f"file://{repo.folder}"
    folder = clone(url, tmp_path / "clones")
    with open_repository(folder) as repository:
        assert count_commits(repository) == int(repo.git("rev-list", "--count", "--all")) == 2
        assert name_of(folder, repository.origin) == "owner/source"
    assert not list(folder.glob("hooks/*"))
    mark = folder / "description"
    mark.write_text("kept")
    assert clone(url, tmp_path / "clones") == folder
    assert mark.read_text() == "kept"
    other = history("elsewhere/owner/source.git")
    with pytest.raises(Problem, match="holds a clone of"):
        clone(f"file://{other.folder}", tmp_path / "clones")


@pytest.mark.parametrize(
    "url",
    ["ext::touch {mark}://x/owner/name", "ext::sh -c 'touch {mark}'://owner/name", "http://host/o/n", "fd://3/o/n",
     "ssh://-oProxyCommand=touch${{IFS}}{mark}/owner/name"],
)  # fmt: skip
def test_other_transports_are_refused(tmp_path: Path, url):
    mark = tmp_path / "mark"
    url = url.format(mark=mark)
    assert is_url(url)
    with pytest.raises(Problem, match="not a URL that is cloned"):
        clone(url, tmp_path / "clones")
    assert not mark.exists()


def test_failed_clone_leaves_nothing(tmp_path: Path):
    with pytest.raises(Problem, match="git clone failed"):
        clone(f"file://{tmp_path}/owner/absent", tmp_path / "clones")
    assert [path.name for path in (tmp_path / "clones").iterdir()] == [".owner+absent.git.lock"]


@pytest.mark.parametrize(
    ("folder", "origin", "name"),
    [
        ("/srv/owner/name.git", None, "owner/name"),
        ("/srv/owner/name/.git", None, "owner/name"),
        ("/srv/git/owner+name.git", None, "owner/name"),
        ("/srv/owner+name/repo", None, "owner/name"),
        ("/srv/gnu/libstdc++", None, "gnu/libstdc++"),
        ("/srv/a/b", "https://user:secret@host.org/owner/name.git", "owner/name"),
        ("/srv/a/b", "https://host.org/group/owner/name", "owner/name"),
        ("/srv/a/b", "ssh://git@host.org:22/owner/name.git", "owner/name"),
        ("/srv/a/b", "git@host.org:owner/name.git", "owner/name"),
        ("/srv/a/b", "/home/me/other/place", "a/b"),
        ("/srv/a/b", "ext::sh -c true", "a/b"),
    ],
)
def test_names(folder, origin, name):
    assert name_of(Path(folder), origin) == name


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ({"LICENSE": TEXTS["MIT"].replace("[year]", "2015").replace("[fullname]", "Ada")}, "mit"),
        ({"LICENCE.md": TEXTS["Apache-2.0"]}, "apache-2.0"),
        ({"MIT-LICENSE": TEXTS["MIT"]}, "mit"),
        ({"COPYING": TEXTS["GPL-3.0"]}, "gpl-3.0"),
        ({"COPYING": TEXTS["GPL-3.0"], "COPYING.LESSER": TEXTS["LGPL-3.0"]}, "lgpl-3.0"),
        ({"UNLICENSE": TEXTS["Unlicense"]}, "unlicense"),
        ({"LICENSE": "All rights reserved, and \xff".encode("latin-1")}, ""),
        ({"docs/LICENSE": TEXTS["MIT"]}, ""),
        ({"LICENSE": ("120000", "/usr/share/common-licenses/GPL-3")}, ""),
        ({"license.py": b"", "a.c": b"int x;"}, ""),
    ],
)
def test_licence_at_the_top_level(history, files, key):
    repo = history("owner/licensed.git")
    repo.commit(files)
    with open_repository(repo.folder) as repository:
        assert license_at_head(repository) == key


def test_languages_are_the_bytes_of_regular_files(history):
    repo = history("owner/languages.git")
    first = repo.commit({"old.rb": b"gone"})
    files = {"a.py": b"12345", "d/b.PY": b"123", "x y/c.ts": b"1" * 20, b"caf\xe9.go": b"12", "README": b"1" * 99}
    repo.commit({**files, "old.rb": None, "l.c": ("120000", "a.py"), "s.java": ("160000", first)}, parents=[first])
    with open_repository(repo.folder) as repository:
        assert list(languages_at_head(repository).items()) == [("TypeScript", 20), ("Python", 8), ("Go", 2)]


def test_repository_without_its_contents_still_tells_its_history(history):
    repo = history("owner/hollow.git")
    head = repo.commit({"a.py": b"2"}, parents=[repo.commit({"a.py": b"1", "b.go": b"12", "LICENSE": TEXTS["MIT"]})])
    for name in ("a.py", "LICENSE"):
        oid = repo.git("rev-parse", f"{head}:{name}")
        (repo.folder / "objects" / oid[:2] / oid[2:]).unlink()
    with open_repository(repo.folder) as repository:
        assert len(list(read_log(repository))) == 2
        assert languages_at_head(repository) == {"Go": 2, "Python": None}
        assert license_at_head(repository) == ""
