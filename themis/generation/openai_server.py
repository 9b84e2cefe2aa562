"""The server of the OpenAI protocol: where it is, the key that goes to it and nowhere else, and what its refusals mean."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from themis.errors import Problem
from themis.generation.openai_chat import error_of
from themis.study.models import OpenAI

if TYPE_CHECKING:
    from httpx2 import Response

# Connections of one client. Its work for each request grows with them: at 500, one client takes 4 ms, twenty take 1 ms.
POOL = 25

_OWN_ADDRESS, _OWN_VARIABLE = "https://api.openai.com/", "OPENAI_API_KEY"


class Server:
    """An address and its key. Proxies and other settings of the environment have no effect; redirects are not followed."""

    def __init__(self, settings: OpenAI) -> None:
        self.address = settings.base_url.rstrip("/")
        at_openai = f"{self.address}/".startswith(_OWN_ADDRESS)
        self._variable = settings.key_variable or (_OWN_VARIABLE if at_openai else None)
        self._timeout_s = settings.timeout_s
        self._key()  # a key that is no key is said before anything is asked

    def arguments(self) -> dict[str, Any]:
        """What an httpx client, synchronous or not, is made with."""
        import httpx2

        key = self._key()
        return {
            "base_url": self.address + "/",
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "timeout": httpx2.Timeout(self._timeout_s, connect=min(self._timeout_s, 30.0), pool=None),
            "limits": httpx2.Limits(max_connections=None, max_keepalive_connections=POOL),
            "follow_redirects": False,
            "trust_env": False,
        }

    def error(self, response: Response) -> tuple[str, str | None]:
        """What a response says that is no answer: message (a line, without the key) and code."""
        try:
            return error_of(json.loads(self._without_key(response.text)))
        except ValueError:
            return "", None

    def check(self, response: Response) -> None:
        """Raises Problem where no request to this address can be answered, whatever it asks."""
        status = response.status_code
        if status < 300 or status >= 500:
            return
        said, code = self.error(response)
        told = f" ({said})" if said else ""
        if status < 400:
            raise Problem(f"{self.address}: the server sends requests elsewhere ({status}); give its own address")
        if status in (401, 403):
            variable = self._variable or "the one that openai.key_variable of the model names, which is not given"
            raise Problem(f"{self.address}: the key is not accepted ({status}); it is read from {variable}{told}")
        if status == 404:
            raise Problem(f"{self.address}: no such address or no such model{told}")
        if status == 402 or code == "insufficient_quota":
            raise Problem(f"{self.address}: the account may not spend more{told}")

    def _without_key(self, text: str) -> str:
        """The text with the key taken out, should the server repeat it."""
        key = self._key()
        return text.replace(key, "[key]") if key else text

    def _key(self) -> str | None:
        """Read anew each time, so that no attribute holds it."""
        key = os.environ.get(self._variable, "").strip() if self._variable else ""
        if not key.isascii() or any(not character.isprintable() or character == " " for character in key):
            raise Problem(f"{self._variable}: the key in this variable is not one word of plain characters")
        return key or None
