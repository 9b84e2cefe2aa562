"""Nothing of a repository is executed: configuration, hooks, filters, submodules, replacements."""

from __future__ import annotations

import os
import shutil

import pytest

CASES = {}
BLOB, MODULE = "100644", "160000"
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 7\n"


def case(build):
    CASES[build.__name__.strip("_").replace("_", "-")] = build
    return build


def _configured(repo, text: str) -> None:
    repo.change()
    with (repo.folder / "config").open("a") as config:
        config.write(text)
    repo.keep()


# Settings that name a program, a file or another place; none is in force.
for _name, _text in {
    "fsmonitor": "[core]\n\tfsmonitor = {program}\n",
    "ssh-command": "[core]\n\tsshCommand = {program}\n\tgitProxy = {program}\n",
    "pager": "[core]\n\tpager = {program}\n[pager]\n\tlog = {program}\n\tls-tree = {program}\n",
    "editor": "[core]\n\teditor = {program}\n[sequence]\n\teditor = {program}\n",
    "alias": "[alias]\n\tlog = !{program}\n\tcat-file = !{program}\n\trev-list = !{program}\n\tls-tree = !{program}\n",
    "external-diff": "[diff]\n\texternal = {program}\n\torderFile = {private}\n",
    "hooks-path": "[core]\n\thooksPath = {folder}\n",
    "credential-helper": "[credential]\n\thelper = !{program}\n",
    "include": "[include]\n\tpath = {private}\n\tpath = /etc/passwd\n",
    "include-if": '[includeIf "gitdir:/"]\n\tpath = {private}\n',
    "work-tree-elsewhere": "[core]\n\tbare = false\n\tworktree = {world}/private\n",
    "attributes-file": "[core]\n\tattributesFile = {private}\n\texcludesFile = {private}\n",
    "ext-transport": '[protocol "ext"]\n\tallow = always\n[protocol]\n\tallow = always\n[remote "origin"]\n\turl = ext::{program}\n',
    "pack-objects-hook": "[uploadpack]\n\tpackObjectsHook = {program}\n",
    "instead-of": '[url "ext::{program} "]\n\tinsteadOf = https://\n\tpushInsteadOf = https://\n',
    "work-tree-config": "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tworktreeConfig = true\n",
    "mail-map": "[mailmap]\n\tfile = {private}\n\tblob = main:plain.py\n[log]\n\tmailmap = true\n",
    "bitmaps-and-graphs": "[core]\n\tcommitGraph = true\n\tmultiPackIndex = true\n[fetch]\n\twriteCommitGraph = true\n",
    "shown-as": "[log]\n\tdate = raw\n\tdecorate = full\n\tfollow = true\n\tdiffMerges = m\n[diff]\n\trenames = copies\n\tnoprefix = true\n[core]\n\tquotePath = true\n\tabbrev = 4\n[color]\n\tui = always\n[i18n]\n\tlogOutputEncoding = UTF-16\n",
    "no-configuration": "[core\nbroken = ",
}.items():

    def _setting(repo, text=_text):
        _configured(repo, text.format(program=repo.program, private=repo.private, world=repo.world, folder=repo.folder))
        (repo.folder / "config.worktree").write_text(
            f"[core]\n\tfsmonitor = {repo.program}\n\tpager = {repo.program}\n"
        )

    CASES[_name] = _setting


@case
def _signed_commits(repo):
    """log.showSignature with gpg.program would run the program for each signature."""
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n"
    repo.change(headers=signature)
    with (repo.folder / "config").open("a") as config:
        config.write(f"[log]\n\tshowSignature = true\n[gpg]\n\tprogram = {repo.program}\n")
    repo.git("log", "-1", check=False)
    assert repo.canary.exists(), "the trap works on the unwary"
    repo.canary.unlink()
    repo.keep()


@case
def _hooks(repo):
    repo.change()
    (repo.folder / "hooks").mkdir()
    for name in (
        "post-checkout",
        "pre-auto-gc",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
        "proc-receive",
    ):
        shutil.copy(repo.program, repo.folder / "hooks" / name)
    repo.git("update-ref", "refs/heads/other", "main", check=False)
    assert repo.canary.exists(), "the trap works on the unwary"
    repo.canary.unlink()
    repo.keep()


@case
def _attributes(repo):
    """Filters, text converters and conversions of every kind; the bytes come as git holds them."""
    said = "* filter=evil diff=evil merge=evil text eol=crlf ident working-tree-encoding=UTF-16 export-subst\n"
    attributes = (BLOB, b".gitattributes", repo.blob(said))
    texts = [f"{repo.text(i)}# $Id$ $Format:%H$\r\n" for i in (1, 2)]
    first = repo.root(attributes, (BLOB, b"a.py", repo.blob(texts[0])))
    repo.commit(repo.tree(repo.base(attributes, (BLOB, b"a.py", repo.blob(texts[1])))), first)
    (repo.folder / "info").mkdir(exist_ok=True)
    (repo.folder / "info" / "attributes").write_text(said)
    with (repo.folder / "config").open("a") as config:
        for kind in ("filter", "diff", "merge"):
            config.write(f'[{kind} "evil"]\n')
            for name in ("clean", "smudge", "process", "textconv", "command", "driver"):
                config.write(f"\t{name} = {repo.program}\n")
    repo.git("log", "-p", "-1", check=False)
    assert repo.canary.exists(), "the trap works on the unwary"
    repo.canary.unlink()
    repo.keep("a.py", *texts)


@case
def _promisor(repo):
    """A blob is missing, and the repository names a remote that would be run to get it."""
    gone = repo.blob("gone\n")
    repo.change(old=(BLOB, gone))
    repo.object(gone).unlink()
    with (repo.folder / "config").open("a") as config:
        config.write(
            f'[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\tpromisor = true\n'
            f"\turl = ext::{repo.program}\n[protocol]\n\tallow = always\n"
        )
    repo.git("cat-file", "-p", gone, check=False)
    assert repo.canary.exists(), "the trap works on the unwary"
    repo.canary.unlink()
    repo.drop("retrieve", "blob missing")


@case
def _submodule(repo):
    modules = repo.blob(
        f'[submodule "a.py"]\n\tpath = a.py\n\turl = ext::{repo.program}\n\tupdate = !{repo.program}\n\tignore = all\n'
    )
    link = (BLOB, b".gitmodules", modules)
    first = repo.root(link, (MODULE, b"a.py", "1" * 40))
    repo.commit(repo.tree(repo.base(link, (MODULE, b"a.py", "2" * 40))), first)
    repo.drop("retrieve", "submodule")


@case
def _large_file_pointers(repo):
    repo.change(old=(BLOB, repo.blob(_POINTER.format("1" * 64))), new=(BLOB, repo.blob(_POINTER.format("2" * 64))))
    (repo.folder / "lfs" / "objects" / "22" / "22").mkdir(parents=True)
    (repo.folder / "lfs" / "objects" / "22" / "22" / ("2" * 64)).symlink_to(repo.private)
    repo.drop("retrieve", "LFS pointer")


@case
def _replaced_object(repo):
    """refs/replace would show another commit, tree or file in place of the real one."""
    last = repo.change()
    blob = repo.git("rev-parse", f"{last}:a.py")
    (repo.folder / "refs" / "replace").mkdir(parents=True)
    (repo.folder / "refs" / "replace" / blob).write_text(repo.blob(f"{repo.secret}\n") + "\n")
    assert repo.secret in repo.git("cat-file", "-p", blob), "git itself replaces it"
    repo.keep()


@case
def _grafts(repo):
    last = repo.change()
    (repo.folder / "info").mkdir(exist_ok=True)
    (repo.folder / "info" / "grafts").write_text(f"{last}\n")
    repo.keep()


@case
def _owned_by_another(repo):
    """git refuses a stranger's repository for its configuration, of which nothing is in force here."""
    repo.change()
    if os.geteuid() == 0:
        for path in (repo.folder, *repo.folder.rglob("*")):
            os.chown(path, 65534, 65534)
    repo.keep()


@pytest.fixture(scope="module")
def run(run_cases):
    return run_cases(CASES)


@pytest.mark.parametrize("case", ["control", *CASES])
def test_nothing_a_repository_says_is_in_force(run, case):
    run.check(case)


def test_every_row_is_accounted_for(run):
    found, expected = run.ledger()
    assert found == expected


def test_nothing_was_executed(run):
    assert not list((run.world / "canaries").iterdir())
