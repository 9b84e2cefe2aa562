"""From a chat to its exact token ids, straight from the model's template: one BOS, no text in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themis.errors import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_DATE = "01 Jan 2026"  # templates that print today's date are given this one


class ForgedMarkup(ValueError):
    """A text holds one of the tokenizer's special tokens and would change the structure of the chat."""


class Chat:
    """The chat template of one tokenizer. Raises Problem where it has none and needs one."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, needs_template: bool = True) -> None:
        if needs_template and not tokenizer.chat_template:
            raise Problem(
                f"{tokenizer.name_or_path}: its tokenizer has no chat template; put the one it was trained with beside it "
                "as chat_template.jinja"
            )
        self.tokenizer = tokenizer
        self.special_tokens = tuple(str(token) for token in tokenizer.all_special_tokens)
        self._has_system = self._template_takes_system()

    @classmethod
    def load(cls, folder: Path, *, needs_template: bool = True) -> Chat:
        """The chat template in a checkpoint folder. Raises Problem where there is no tokenizer, or no template."""
        from transformers import AutoTokenizer

        if not (Path(folder) / "tokenizer_config.json").is_file():
            raise Problem(f"{folder}: no tokenizer here; is it a checkpoint folder?")
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        return cls(tokenizer, needs_template=needs_template)

    @property
    def pad_id(self) -> int:
        """An id to fill with; a special token, so no text contains it (see `ForgedMarkup`)."""
        for name in ("unk_token_id", "bos_token_id", "pad_token_id", "eos_token_id"):
            value = getattr(self.tokenizer, name)
            if value is not None:
                return int(value)
        raise Problem(f"{self.tokenizer.name_or_path}: its tokenizer has no special token to pad with")

    def prompt(
        self, system: str | None, user: str, turns: Sequence[tuple[str, str]] = (), *, thinking: bool = False
    ) -> list[int]:
        """Ids of the chat up to where the reply begins; `turns` (role, text) follow the user's. Raises ForgedMarkup.

        A role that the template has no place for speaks as the user. `thinking` lets the template open a thought.
        """
        messages = self._messages(system, user)
        for role, text in turns:
            messages.append({"role": role if self._shows(role) else "user", "content": text})
        return self._ids(messages, generation=True, thinking=thinking)

    def conversation(self, system: str | None, user: str, response: str) -> list[int]:
        """Ids of the chat with its reply; the prompt's ids are always their beginning.

        Where a reply's first characters would merge with the prompt's last token (a reply that begins with a newline),
        the reply is encoded by itself, as a model that continues the prompt would write it. Raises ForgedMarkup, and
        Problem if the template renders the prompt as no beginning of the conversation.
        """
        prompt = self.prompt(system, user)
        messages = [*self._messages(system, user), {"role": "assistant", "content": response}]
        ids = self._ids(messages, generation=False)
        if ids[: len(prompt)] == prompt:
            return ids
        before, [whole] = self.texts(system, user, [response])
        return prompt + self.tokenizer.encode(whole[len(before) :], add_special_tokens=False)

    def texts(self, system: str | None, user: str, responses: Sequence[str]) -> tuple[str, list[str]]:
        """The chat as text up to where the reply begins, and with each reply. Raises ForgedMarkup, and Problem if the
        template renders the one as no beginning of the others."""
        messages = self._messages(system, user)
        chats = [[*messages, {"role": "assistant", "content": response}] for response in responses]
        for chat in chats:
            self._check(chat)
        before = self._render(messages, generation=True, tokenize=False)
        whole = [self._render(chat, generation=False, tokenize=False) for chat in chats]
        if not all(text.startswith(before) for text in whole):
            raise Problem(f"{self.tokenizer.name_or_path}: the chat template's prompt is no prefix of the conversation")
        return before, whole

    def _messages(self, system: str | None, user: str) -> list[dict[str, str]]:
        if system is None:
            return [{"role": "user", "content": user}]
        if self._has_system:
            return [{"role": "system", "content": system}, {"role": "user", "content": user}]
        return [{"role": "user", "content": f"{system}\n\n{user}"}]

    def _ids(self, messages: list[dict[str, str]], *, generation: bool, thinking: bool = False) -> list[int]:
        self._check(messages)
        return list(self._render(messages, generation=generation, tokenize=True, thinking=thinking))

    def _check(self, messages: list[dict[str, str]]) -> None:
        for message in messages:
            for token in self.special_tokens:
                if token in message["content"]:
                    raise ForgedMarkup(f"the text holds the special token {token}")

    def _render(
        self, messages: list[dict[str, str]], *, generation: bool, tokenize: bool, thinking: bool = False
    ) -> Any:
        return self.tokenizer.apply_chat_template(
            messages,
            tokenize=tokenize,
            add_generation_prompt=generation,
            return_dict=False,
            enable_thinking=thinking,
            date_string=_DATE,
        )

    def _template_takes_system(self) -> bool:
        return self._shown([{"role": "system", "content": "themis"}, {"role": "user", "content": "x"}])

    def _shows(self, role: str) -> bool:
        before = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
        return role in ("user", "assistant") or self._shown([*before, {"role": role, "content": "themis"}])

    def _shown(self, messages: list[dict[str, str]]) -> bool:
        try:
            return "themis" in self.tokenizer.apply_chat_template(messages, tokenize=False)
        except Exception:  # templates refuse a role by raising whatever they like
            return False
