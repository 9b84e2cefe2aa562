"""The page of the tables: every column of every Arrow schema, with its type and meaning."""

from __future__ import annotations

import pyarrow as pa

from themis.records import SCHEMAS
from themis.records.columns import about, meaning
from themis.reference.markdown import code, table


def table_page() -> str:
    """The page's text, a section a schema. Raises KeyError where a table or column has no meaning in columns.yaml."""
    sections = [_section(name, schema) for name, schema in SCHEMAS.items()]
    head = (
        "# Tables\n\nEvery table on disk has one of these schemas, checked when it is written. `themis.records.read` reads"
        " one. The Parquet metadata of each says from what, by which version and with which seed it was made.\n"
    )
    return "\n".join([head, *sections])


def _section(name: str, schema: pa.Schema) -> str:
    rows = [
        (code(field.name), code(str(field.type)), "yes" if field.nullable else "", meaning(name, field.name))
        for field in schema
    ]
    return f"## {name}\n\n{about(name)}\n\n" + table(("column", "type", "may be null", "meaning"), rows)
