"""Tables on disk: one schema each, written whole or not at all, with their provenance and an attrition ledger."""

from themis.records.ledger import Ledger, gather
from themis.records.schemas import SCHEMAS
from themis.records.shards import gather_shards
from themis.records.tables import file_digest, metadata, read, stream, write

__all__ = ["SCHEMAS", "Ledger", "file_digest", "gather", "gather_shards", "metadata", "read", "stream", "write"]
