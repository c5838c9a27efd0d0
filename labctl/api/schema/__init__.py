"""Kubernetes' own definitions of its kinds, trimmed, and what is asked of them.

`definitions.json` is made by tools/trim_schemas.py. It is read when it is first needed, and a kind is
compiled when its first object comes, or when `prepare` is called for it.
"""

from labctl.api.schema.check import Problems, is_valid, metadata_problems, prepare, problems
from labctl.api.schema.definitions import Schema, definition_of, fields_beside, resolve
from labctl.api.schema.pruning import without_unknown

__all__ = [
    "Problems",
    "Schema",
    "definition_of",
    "fields_beside",
    "is_valid",
    "metadata_problems",
    "prepare",
    "problems",
    "resolve",
    "without_unknown",
]
