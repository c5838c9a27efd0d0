"""The columns that a definition gives to its objects."""

from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.api.tables import table
from tests.api.custom_samples import crontab, resource

NOW = 1_700_000_000.0


def cells(columns: list[Obj], obj: Obj) -> list[Any]:
    made = table(resource(additionalPrinterColumns=columns), [obj], now=NOW)
    row: list[Any] = made["rows"][0]["cells"]
    return row[1:]


def column(kind: str, path: str, **more: Any) -> Obj:
    return {"name": path, "type": kind, "jsonPath": path, **more}


def test_without_columns_there_are_name_and_age() -> None:
    obj = crontab()
    obj["metadata"]["creationTimestamp"] = "2023-11-14T22:12:20Z"
    made = table(resource(), [obj], now=NOW)
    assert [one["name"] for one in made["columnDefinitions"]] == ["Name", "Age"]
    assert made["columnDefinitions"][0]["format"] == "name"
    assert made["rows"][0]["cells"] == ["my-cron", "60s"]


@pytest.mark.parametrize(
    ("kind", "path", "cell"),
    [
        ("string", ".spec.cronSpec", "* * * * */5"),
        ("string", ".spec.list[1]", "b"),
        ("string", ".spec.list", '["a","b"]'),
        ("string", ".spec.n", "2"),
        ("integer", ".spec.n", 2),
        ("integer", ".spec.half", 1),
        ("integer", ".spec.cronSpec", None),
        ("number", ".spec.half", 1.5),
        ("boolean", ".spec.on", True),
        ("boolean", ".spec.n", None),
        ("date", ".status.since", "100s"),
        ("date", ".spec.cronSpec", "<invalid>"),
        ("date", ".spec.n", None),
        ("string", '.status.conditions[?(@.type=="Ready")].status', "True"),
        ("string", ".spec.none.of.it", None),
    ],
)
def test_columns_show_what_their_path_leads_to(kind: str, path: str, cell: Any) -> None:
    obj = crontab(list=["a", "b"], n=2, half=1.5, on=True)
    obj["status"] = {
        "since": "2023-11-14T22:11:40Z",
        "conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}],
    }
    assert cells([column(kind, path)], obj) == [cell]


def test_columns_carry_priority_and_description() -> None:
    wide = column("integer", ".spec.n", priority=1, description="How many", format="int32")
    made = table(resource(additionalPrinterColumns=[wide]), [], now=NOW)
    assert made["columnDefinitions"][1] == {
        "name": ".spec.n",
        "type": "integer",
        "priority": 1,
        "description": "How many",
        "format": "int32",
    }
