"""The command that runs a step again, which is the first line of its log."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence

# What of the user's call is repeated; targets and what is forced are of that run alone.
_KEPT = ("--profile", "--workflow-profile", "--snakefile", "--directory", "--executor", "--cores", "--jobs")
_COUNTS = ("--cores", "--jobs")  # without a number: all
_LISTS = ("--configfile", "--config")
_SHORT = {
    "--snakefile": "-s",
    "--directory": "-d",
    "--executor": "-e",
    "--cores": "-c",
    "--jobs": "-j",
    "--config": "-C",
}
_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def again(words: Sequence[str]) -> str:
    """The call of Snakemake (its arguments without the program) as it is to be repeated for one step, whose log is put
    after it. A login in a URL is left out."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in (*_KEPT, *_LISTS):
        names = [_SHORT[name], name] if name in _SHORT else [name]
        if name in _LISTS:
            parser.add_argument(*names, nargs="*", action="extend")
        elif name in _COUNTS:
            parser.add_argument(*names, nargs="?", const="all")
        else:
            parser.add_argument(*names)
    said = vars(parser.parse_known_args(words)[0])
    call = ["snakemake"]
    for name in (*_KEPT, *_LISTS):
        value = said[name.removeprefix("--").replace("-", "_")]
        if value:
            call += [name, *(value if isinstance(value, list) else [value])]
    return _LOGIN.sub("LOGIN", f"{shlex.join(call)} --force")


def writer(words: Sequence[str]) -> str:
    """A shell function `tee` that writes this command into a step's log before what the step says: a log is a target
    of its own, so the command ends in it."""
    return f'tee() {{ printf \'# again: %s %s\\n\' {shlex.quote(again(words))} "$1" > "$1" && command tee --append "$@"; }}; '
