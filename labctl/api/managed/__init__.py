"""Managed fields: who has written which part of an object, and server-side apply.

Pure functions of a type (what the schema says), versions of an object, and the entries of
metadata.managedFields; nothing here knows of requests.
"""

from labctl.api.managed.apply import Applied, Conflict, Conflicts, apply
from labctl.api.managed.extract import fields_of, first_problem
from labctl.api.managed.managers import (
    APPLY,
    UPDATE,
    Manager,
    present_entries,
    same_but_for_times,
)
from labctl.api.managed.types import NoElement, Type, type_of
from labctl.api.managed.update import created, updated

__all__ = [
    "APPLY",
    "UPDATE",
    "Applied",
    "Conflict",
    "Conflicts",
    "Manager",
    "NoElement",
    "Type",
    "apply",
    "created",
    "fields_of",
    "first_problem",
    "present_entries",
    "same_but_for_times",
    "type_of",
    "updated",
]
