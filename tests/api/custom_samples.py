"""A custom kind to test with: CronTabs of the Kubernetes documentation, and smaller ones."""

from typing import Any

from labctl.api.custom.definition import defined_resources
from labctl.api.objects import Obj
from labctl.api.resource import Resource

CRON_SCHEMA: Obj = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["cronSpec"],
            "properties": {
                "cronSpec": {
                    "type": "string",
                    "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$",
                },
                "image": {"type": "string", "default": "cron:1"},
                "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
                "size": {"type": "string", "enum": ["small", "large"]},
                "port": {"x-kubernetes-int-or-string": True},
            },
        },
        "status": {
            "type": "object",
            "properties": {"replicas": {"type": "integer"}, "labelSelector": {"type": "string"}},
        },
    },
}


def version(name: str = "v1", schema: Obj | None = None, **more: Any) -> Obj:
    return {
        "name": name,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": CRON_SCHEMA if schema is None else schema},
        **more,
    }


def definition(*versions: Obj, plural: str = "crontabs", kind: str = "CronTab", **spec: Any) -> Obj:
    """A CustomResourceDefinition of the group stable.example.com, as a user writes it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.stable.example.com"},
        "spec": {
            "group": "stable.example.com",
            "names": {"plural": plural, "kind": kind},
            "scope": "Namespaced",
            "versions": list(versions) or [version()],
            **spec,
        },
    }


def resource(schema: Obj | None = None, **more: Any) -> Resource:
    """The resource of a definition with one version of that schema."""
    return defined_resources(definition(version(schema=schema, **more)))[0]


def crontab(name: str = "my-cron", api_version: str = "stable.example.com/v1", **spec: Any) -> Obj:
    return {
        "apiVersion": api_version,
        "kind": "CronTab",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"cronSpec": "* * * * */5", **spec},
    }
