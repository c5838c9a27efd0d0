"""Labels and taints of the lab file, brought to nodes that have registered already."""

from typing import Any

import pytest

from labctl.api.lab import NodeSpec, Taint
from labctl.lab.marks import patch_for

TAINT = Taint("a", "b", "NoSchedule")
OTHERS = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def node(labels: dict[str, str], taints: list[dict[str, Any]]) -> dict[str, Any]:
    return {"metadata": {"name": "n", "labels": labels}, "spec": {"taints": taints}}


@pytest.mark.parametrize(
    ("present", "before", "after", "patch"),
    [
        (node({"own": "1"}, [OTHERS]), NodeSpec("n"), NodeSpec("n"), {}),
        (
            node({"own": "1"}, []),
            NodeSpec("n"),
            NodeSpec("n", (("disk", "ssd"),)),
            {"metadata": {"labels": {"disk": "ssd"}}},
        ),
        (
            node({"own": "1", "disk": "ssd"}, []),
            NodeSpec("n", (("disk", "ssd"),)),
            NodeSpec("n"),
            {"metadata": {"labels": {"disk": None}}},
        ),
        (
            node({}, [OTHERS]),
            NodeSpec("n"),
            NodeSpec("n", (), (TAINT,)),
            {"spec": {"taints": [OTHERS, TAINT.object()]}},
        ),
        (
            node({}, [TAINT.object()]),
            NodeSpec("n", (), (TAINT,)),
            NodeSpec("n"),
            {"spec": {"taints": None}},
        ),
    ],
)
def test_what_the_file_changed_is_patched_and_what_others_set_stays(
    present: dict[str, Any], before: NodeSpec, after: NodeSpec, patch: dict[str, Any]
) -> None:
    assert patch_for(present, before, after) == patch
