"""A shorthand for the Arrow schemas: fields that are always there."""

from __future__ import annotations

import pyarrow as pa


def required(*fields: tuple[str, pa.DataType]) -> list[pa.Field]:
    """Fields of these names and types that are never null."""
    return [pa.field(name, kind, nullable=False) for name, kind in fields]
