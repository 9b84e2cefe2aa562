"""Settings of a public benchmark, or a table of your own, that models are scored on beside the code benchmark."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from themis.study.base import URL_WITH_DIGEST, Settings
from themis.study.models import PROMPT_MODE
from themis.vocabulary import Criterion

CODE_FORMATS = ("humanevalpack", "debugbench", "nofuneval", "pairs")


class PublicBenchmark(Settings):
    """A benchmark: its format, and where its files are: at hand, behind URLs, else on the hub."""

    format: Literal[
        "humanevalpack", "debugbench", "nofuneval", "rewardbench", "rewardbench2", "judgebench", "rmbench", "pairs"
    ] = Field(
        description="What its files are. pairs: any table with prompt, chosen and rejected, and where there are such "
        "aspect, language, subset and id; the published code benchmark is one."
    )
    path: str | None = Field(None, description="File or folder: Parquet, JSON, JSON lines, or of save_to_disk.")
    urls: dict[str, str] = Field(
        default_factory=dict,
        description="Files to fetch, by the name they get; a URL ends in #sha256= and the file's 64 hex digits.",
    )
    hub: str | None = Field(None, description="Hub id; none: the format's own.")
    revision: str | None = Field(None, description="Commit of the hub repository; none: the newest.")
    config: str | None = Field(None, description="Configuration of the hub data set.")
    splits: list[str] = Field(default_factory=list, description="Splits; none: the format's own.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Columns by the name they have in the format, where the files differ."
    )
    aspect: Criterion = Field(Criterion.HELPFULNESS, description="Criterion of pairs that name none.")
    sample: int | None = Field(None, ge=1, description="Pairs taken at most; a hash picks. None: all.")
    prompt_mode: str | None = Field(
        None,
        pattern=PROMPT_MODE,
        description="System prompt of every model on it. None given: each model's own on code formats and pairs, none on "
        "the others, whose pairs name no criterion.",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_criterion(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("prompt_mode") is None and data.get("format") not in CODE_FORMATS:
            return {**data, "prompt_mode": "none"}
        return data

    @field_validator("urls")
    @classmethod
    def _digests_given(cls, urls: dict[str, str]) -> dict[str, str]:
        for name, url in urls.items():
            if not URL_WITH_DIGEST.fullmatch(url):
                raise ValueError(
                    f"{name}: a URL must be of http or https and end in #sha256= and the file's 64 hex digits"
                )
        return urls

    @model_validator(mode="after")
    def _one_place(self) -> PublicBenchmark:
        given = [name for name in ("path", "urls", "hub") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"at most one of path, urls and hub, not {' and '.join(given)}")
        if not given and self.format in ("debugbench", "nofuneval", "pairs"):
            raise ValueError(f"the format {self.format} has no hub id of its own; give path, urls or hub")
        return self
