"""The commits that are no improvements, in the mix that real repositories have."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from themis import chance
from themis.demo import scaffold
from themis.demo.chronicle import NEUTRAL, Chronicle, Helper
from themis.demo.people import BOTS

Event = Callable[[Chronicle], None]


def endless_noise(seed: int) -> Iterator[Event]:
    """Noise events without end; every deck of them holds each kind in its share, shuffled."""
    deck = [event for event, copies in _MIX for _ in range(copies)]
    round_ = 0
    while True:
        names = [f"{round_} {position} {event.__name__}" for position, event in enumerate(deck)]
        yield from (deck[position] for position in chance.order(seed, "noise", names))
        round_ += 1


def several_files(chronicle: Chronicle) -> None:
    """Two helper files change at once."""
    project = chronicle.project
    first = project.choose("first of two", range(len(chronicle.helpers)))
    second = (first + 1) % len(chronicle.helpers)
    files = {}
    for position in (first, second):
        helper = chronicle.helpers[position] = chronicle.edited(chronicle.helpers[position])
        files[helper.path] = chronicle.text(helper)
    message = project.say(project.choose("several message", _SEVERAL))
    chronicle.history.commit(files, message, project.author(), "multi_file")


def addition(chronicle: Chronicle) -> None:
    """A new helper file."""
    path, text = chronicle.new_helper()
    message = chronicle.project.say("Add a {{ verb }} page for {{ others }}", chronicle.helpers[-1].words)
    chronicle.history.commit({path: text}, message, chronicle.project.author(), "addition")


def deletion(chronicle: Chronicle) -> None:
    """A helper file goes, unless few are left."""
    if len(chronicle.helpers) < 3:
        addition(chronicle)
        return
    helper = chronicle.helpers.pop(chronicle.project.choose("deleted", range(len(chronicle.helpers))))
    message = chronicle.project.say("Remove the old {{ noun }} page", helper.words)
    chronicle.history.commit({helper.path: None}, message, chronicle.project.author(), "deletion")


def rename(chronicle: Chronicle) -> None:
    """A helper file gets another name."""
    project = chronicle.project
    position = project.choose("renamed", range(len(chronicle.helpers)))
    helper = chronicle.helpers[position]
    words = project.renamed(helper.words)
    while project.code.path(words) in chronicle.history.tree:
        words = project.renamed(words)
    new = chronicle.helpers[position] = replace(helper, words=words, path=project.code.path(words))
    message = project.say("Rename {{ noun }} page to {{ module }}", words)
    changes = {helper.path: None, new.path: chronicle.text(new)}
    chronicle.history.commit(changes, message, project.author(), "rename")


def documentation(chronicle: Chronicle) -> None:
    """The README changes."""
    chronicle.document()


def data(chronicle: Chronicle) -> None:
    """A JSON or YAML file changes."""
    project = chronicle.project
    chronicle.editions["settings"] += 1
    edition = chronicle.editions["settings"]
    message = project.say(project.choose("data message", _DATA))
    if edition % 3:
        changes = {scaffold.SETTINGS: scaffold.settings(project, edition)}
    else:
        checks = chronicle.history.tree[scaffold.CHECKS] + f"# {edition} {project.domain.namespace}\n".encode()
        changes = {scaffold.CHECKS: checks}
    chronicle.history.commit(changes, message, project.author(), "data")


def trivial(chronicle: Chronicle) -> None:
    """A message that says nothing, of a README or a source file."""
    message = chronicle.project.choose("trivial message", _TRIVIAL)
    if "readme" in message.lower():
        chronicle.document(message, "trivial")
    else:
        chronicle.edit("trivial", message)


def bot(chronicle: Chronicle) -> None:
    """A bot raises a version."""
    project = chronicle.project
    chronicle.editions["manifest"] += 1
    edition = chronicle.editions["manifest"]
    changes = {scaffold.manifest_path(project.code.language): scaffold.manifest(project, edition)}
    message = scaffold.bump(project.code.language, edition)
    chronicle.history.commit(changes, message, project.choose("bot", BOTS), "bot")


def revert(chronicle: Chronicle) -> None:
    """A change of one file, and its revert."""
    project, history = chronicle.project, chronicle.history
    helpers = list(chronicle.helpers)
    reverted = chronicle.edit("reverted", project.say(project.choose("reverted message", _REVERTED)))
    chronicle.helpers = helpers
    path = history.commits[reverted].path
    text = next(chronicle.text(helper) for helper in helpers if helper.path == path)
    message = f'Revert "{history.commits[reverted].message}"\n\nThis reverts commit {{sha}}.'
    history.commit({path: text}, message, project.author(), "revert", reverts=reverted)


def branch(chronicle: Chronicle) -> None:
    """A pull request that changes several files, merged."""
    project, history = chronicle.project, chronicle.history
    helper = chronicle.helpers[0] = chronicle.edited(chronicle.helpers[0])
    files = {helper.path: chronicle.text(helper), **dict([chronicle.new_helper()])}
    message = project.say(project.choose("several message", _SEVERAL), helper.words)
    side = history.commit(files, message, project.author(), "multi_file", beside=True)
    chronicle.merge(side, message)


def unmerged(chronicle: Chronicle) -> None:
    """A branch that never reaches the main line."""
    project = chronicle.project
    helper = chronicle.edited(project.choose("unmerged helper", chronicle.helpers))
    message = project.say(project.choose("neutral message", NEUTRAL), helper.words)
    changes = {helper.path: chronicle.text(helper)}
    side = chronicle.history.commit(changes, message, project.author(), "unmerged", beside=True)
    chronicle.history.branches[f"{helper.words['verb']}-{side}"] = side


def latin1(chronicle: Chronicle) -> None:
    """A source file that is not UTF-8 changes."""
    project = chronicle.project
    path, _ = chronicle.new_helper()
    helper = chronicle.helpers.pop()
    helper = replace(helper, head=project.code.remark("Página de José Muñoz, Málaga") + "\n")
    chronicle.add_together({path: _latin1(chronicle, helper)})
    edited = chronicle.edited(helper)
    message = project.say(project.choose("neutral message", NEUTRAL), helper.words)
    chronicle.history.commit({path: _latin1(chronicle, edited)}, message, project.author(), "latin1")


def binary(chronicle: Chronicle) -> None:
    """A file that is not text changes; now and then its name says it is source code."""
    project = chronicle.project
    words = project.words()
    suffix = project.choose("binary suffix", (".png", ".dat", project.code.extension))
    path = f"assets/{words['module']}{suffix}"
    chronicle.add_together({path: _bytes(path, 1)})
    message = project.say("Redraw the {{ noun }} picture", words)
    chronicle.history.commit({path: _bytes(path, 2)}, message, project.author(), "binary")


def odd_name(chronicle: Chronicle) -> None:
    """A file whose name holds spaces and quotes changes."""
    project = chronicle.project
    old_path, text = chronicle.new_helper()
    helper = chronicle.helpers.pop()
    name = project.choose("odd name", ("{} and '{}'", '{} "{}" page', "the {} of {}"))
    name = name.format(helper.words["noun"], helper.words["other"])
    path = f"{old_path.rpartition('/')[0]}/{name} {len(chronicle.history.commits)}{project.code.extension}"
    chronicle.add_together({path: text})
    message = project.say(project.choose("neutral message", NEUTRAL), helper.words)
    contents = chronicle.text(chronicle.edited(helper))
    chronicle.history.commit({path: contents}, message, project.author(), "odd_name")


def _latin1(chronicle: Chronicle, helper: Helper) -> bytes:
    return chronicle.text(helper).decode().encode("latin-1")


def _bytes(path: str, edition: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0" + hashlib.shake_256(f"{path} {edition}".encode()).digest(600)


_MIX: tuple[tuple[Event, int], ...] = (
    (several_files, 7),
    (addition, 3),
    (deletion, 2),
    (rename, 2),
    (documentation, 5),
    (data, 4),
    (trivial, 4),
    (bot, 3),
    (revert, 2),
    (branch, 3),
    (unmerged, 1),
    (latin1, 1),
    (binary, 1),
    (odd_name, 1),
)
_SEVERAL = (
    "Move the {{ other }} pages to the new layout",
    "Carry {{ field }} through to the {{ other }} pages",
    "Let {{ nouns }} and {{ others }} share a screen",
    "Prepare the {{ noun }} pages for the release",
)
_DATA = (
    "Set the number of {{ nouns }} for the spring",
    "Change the {{ noun }} settings",
    "Settings for more {{ others }}",
)
_TRIVIAL = (
    "wip", "update readme.md", "typo", "Update README.md", "fix typo in readme", "updates", "update", "work in progress",
    "various updates", "addressed comments", "test commit", "stuff",
)  # fmt: skip
_REVERTED = (
    "Try another {{ field }} form for {{ nouns }}",
    "Let every {{ other }} {{ verb }} {{ nouns }}",
    "Show {{ field }} first",
)
