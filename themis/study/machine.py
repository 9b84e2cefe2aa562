"""Settings of what the machine must have as a run starts; they change no result."""

from __future__ import annotations

from pydantic import Field

from themis.study.base import Settings


class Machine(Settings):
    """What must be free as a run starts; a run that finds less does not start."""

    free_disk_gb: float | None = Field(
        None, ge=0, description="GB on the disk of results/; none: what `themis estimate` says; 0: not asked for."
    )
    free_memory_gb: float | None = Field(
        None, ge=0, description="GB of memory, where jobs run on this machine; none: the estimate's; 0: not asked for."
    )
