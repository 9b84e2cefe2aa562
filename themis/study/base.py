"""What every settings model shares."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """A group of settings: unknown keys are refused, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


Fraction = Annotated[float, Field(ge=0, le=1)]

# A file behind a URL, and what it must be.
URL_WITH_DIGEST = re.compile(r"https?://[^#]+#sha256=[0-9a-f]{64}")
