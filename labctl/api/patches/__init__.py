"""Patches: how a client changes part of an object, and how labctl finds the patch to send.

Three forms are here (JSON patch, merge patch, strategic merge patch); each is a function from an
object and a patch to a new object that leaves what it was given alone. What a client did wrong is
raised as the StatusError to answer with. The fourth, a configuration to apply, is labctl.api.managed.
"""

from typing import Any

from labctl.api import status
from labctl.api.objects import Obj
from labctl.api.patches.json_patch import json_diff, json_patch
from labctl.api.patches.merge import merge_diff, merge_patch
from labctl.api.patches.strategic import strategic_merge_patch
from labctl.api.patches.strategic_diff import strategic_diff, three_way_patch
from labctl.api.resource import Resource
from labctl.api.schema import definition_of

__all__ = [
    "APPLY_PATCH",
    "JSON_PATCH",
    "LAST_APPLIED",
    "MERGE_PATCH",
    "STRATEGIC_PATCH",
    "apply_patch",
    "json_diff",
    "json_patch",
    "merge_diff",
    "merge_patch",
    "patch_types",
    "strategic_diff",
    "strategic_merge_patch",
    "three_way_patch",
]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which client-side apply, kubectl's and labctl's, keeps what it applied last."""

APPLY_PATCH = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


def apply_patch(content_type: str, resource: Resource, obj: Obj, patch: Any) -> Obj:
    """The object as the patch makes it; `patch` is the decoded body of the request.

    Raises StatusError: 415 for an unknown type, 400 for a malformed patch, 422 for one that cannot be
    applied to this object.
    """
    if content_type == JSON_PATCH:
        return json_patch(obj, patch)
    if content_type == MERGE_PATCH:
        if not isinstance(patch, dict):
            raise status.bad_request("a merge patch must be an object")
        merged: Obj = merge_patch(obj, patch)
        return merged
    if content_type == STRATEGIC_PATCH and STRATEGIC_PATCH in patch_types(resource):
        return strategic_merge_patch(resource, obj, patch)
    raise status.unsupported_media_type(patch_types(resource))


def patch_types(resource: Resource) -> tuple[str, ...]:
    """The types of patches that a kind takes: strategic ones need Kubernetes' own schema."""
    if definition_of(resource) is None:
        return (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
    return (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
