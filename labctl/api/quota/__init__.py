"""Quotas of a namespace: what each object counts as, and when a quota refuses it (pure).

As pkg/quota/v1 and the ResourceQuota admission plugin of Kubernetes, whose sentences are kept.
"""

from labctl.api.quota.rules import Charge, apply, hard, refusal, unstated, used_by
from labctl.api.quota.usage import Usage, counted, usage_of

__all__ = [
    "Charge",
    "Usage",
    "apply",
    "counted",
    "hard",
    "refusal",
    "unstated",
    "usage_of",
    "used_by",
]
