"""The study: what a run does. One Pydantic model reads every setting; defaults and JSON schema are generated from it."""

from themis.study.model import Study
from themis.study.reading import digest, load, validate

__all__ = ["Study", "digest", "load", "validate"]
