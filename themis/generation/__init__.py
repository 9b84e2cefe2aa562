"""The Generator seam: chats in, completions or probabilities out, from interchangeable back ends."""

from themis.generation.protocol import Completion, Generator, Request, Token

__all__ = ["Completion", "Generator", "Request", "Token"]
