"""A repository as it is told: project and history, and the helper files that its noise is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from themis.demo import scaffold
from themis.demo.history import History
from themis.demo.improvements import Improvement
from themis.demo.project import Project
from themis.demo.templates import Slots

_PULL_REQUEST = 0.45  # share of improvements that arrive by a merged branch
_SQUASHED = 0.2  # share of the others whose subject names a squashed pull request


@dataclass(frozen=True)
class Helper:
    """A source file of neutral functions: which ones, with which words, under a path; `head` is its first lines."""

    path: str
    words: Slots
    functions: tuple[int, ...]
    head: str = ""


class Chronicle:
    """Tells one repository's history, event by event."""

    def __init__(self, project: Project, history: History | None = None) -> None:
        self.project = project
        self.history = history or History()
        self.helpers: list[Helper] = []
        self.entries: list[str] = []
        self.editions = {"settings": 1, "manifest": 0}

    def begin(self, licence: str, year: int) -> None:
        """The first commit: everything around the code and three helper files."""
        files = scaffold.scaffold(self.project, licence, year)
        files.update(self.new_helper() for _ in range(3))
        self.history.commit(files, "Initial commit", self.project.author(), "multi_file")

    def text(self, helper: Helper) -> bytes:
        """A helper file's contents."""
        code = self.project.code
        blocks = [code.function(position, helper.words) for position in helper.functions]
        return (helper.head + code.file(helper.words, blocks)).encode()

    def new_helper(self) -> tuple[str, bytes]:
        """Path and contents of a new helper file, which the next commit is to add."""
        words = self.project.words(self.project.choose("variant", range(4)))
        while self.project.code.path(words) in self.history.tree:  # a fork meets the files of its origin
            words = self.project.renamed(words)
        count = len(self.project.code.context)
        first = self.project.choose("functions", range(count))
        helper = Helper(self.project.code.path(words), words, (first, (first + 3) % count))
        self.helpers.append(helper)
        return helper.path, self.text(helper)

    def edited(self, helper: Helper) -> Helper:
        """The helper with one function more, or one less once it has four."""
        if len(helper.functions) >= 4:
            return replace(helper, functions=helper.functions[1:])
        count = len(self.project.code.context)
        unused = [position for position in range(count) if position not in helper.functions]
        return replace(helper, functions=(*helper.functions, self.project.choose("new function", unused)))

    def edit(self, kind: str, message: str | None = None) -> int:
        """A commit that changes one helper file; the message is neutral where none is given."""
        helper = self.project.choose("helper", self.helpers)
        new = self.edited(helper)
        message = message or self.project.say(self.project.choose("neutral message", NEUTRAL), helper.words)
        self.helpers[self.helpers.index(helper)] = new
        return self.history.commit({new.path: self.text(new)}, message, self.project.author(), kind)

    def add_together(self, files: dict[str, bytes]) -> None:
        """A commit that adds files and says so in the change log."""
        message = self.project.say(self.project.choose("addition message", _ADDITIONS))
        self.entries.append(message)
        log = {scaffold.CHANGES: scaffold.changes(self.project, self.entries)}
        self.history.commit({**files, **log}, message, self.project.author(), "multi_file")

    def improve(self, item: Improvement, kind: str) -> None:
        """The improvement's commit, on the main line or by a merged branch; its file exists."""
        project, history = self.project, self.history
        named = {"criterion": item.family.criterion, "family": item.family.name} if kind == "improvement" else {}
        changes = {item.path: item.better.encode()}
        if project.happens("pull request", _PULL_REQUEST):
            side = history.commit(changes, item.message, project.author(), kind, beside=True, **named)
            if project.happens("main line moves", 0.3):
                self.document()
            self.merge(side, item.message)
            return
        message = item.message
        if project.happens("squashed", _SQUASHED):
            subject, *body = message.split("\n")
            message = "\n".join([f"{subject} (#{project.pull_request()})", *body])
        history.commit(changes, message, project.author(), kind, **named)

    def merge(self, side: int, message: str) -> None:
        """Merge a side commit as a pull request."""
        subject = message.split("\n")[0]
        branch = "-".join(word for word in subject.lower().split()[:4] if word.isalnum()) or "changes"
        author = self.history.commits[side].author
        login = author.email.split("@")[0].replace(".", "")
        title = f"Merge pull request #{self.project.pull_request()} from {login}/{branch}\n\n{subject}"
        self.history.merge(side, title, author)

    def document(self, message: str | None = None, kind: str = "documentation") -> None:
        """A commit that changes the README."""
        message = message or self.project.say(self.project.choose("document message", _DOCUMENTS))
        line = self.project.say(self.project.choose("readme line", _LINES))
        text = self.history.tree[scaffold.README] + f"- {line}\n".encode()
        self.history.commit({scaffold.README: text}, message, self.project.author(), kind)


NEUTRAL = (
    "Add a {{ field }} helper for {{ nouns }}",
    "Show {{ nouns }} on the {{ other }} screen",
    "Let {{ others }} see the {{ field }} of a {{ noun }}",
    "Support the new {{ other }} screen",
    "Follow the {{ verb }} form of {{ others }}",
)
_ADDITIONS = (
    "Add {{ other }} screens for {{ nouns }}",
    "Introduce {{ nouns }} and their {{ others }}",
    "Bring in the {{ verb }} pages",
    "First version of the {{ field }} pages",
)
_DOCUMENTS = (
    "Describe {{ nouns }} in the README",
    "Explain the {{ field }} of a {{ noun }}",
    "Document how {{ others }} {{ verb }}",
    "Mention the {{ other }} screen",
)
_LINES = (
    "Every {{ noun }} belongs to one {{ other }}.",
    "The {{ field }} of {{ nouns }} is kept as a whole number.",
    "{{ Others }} can {{ verb }} up to {{ m }} {{ nouns }} a day.",
    "A {{ noun }} has one {{ field }}.",
)
