"""Manifests that the tests of this directory start from."""

from typing import Any

from labctl.api.objects import Obj


def deployment(**spec: Any) -> Obj:
    """The nginx Deployment of the Kubernetes documentation; `spec` replaces members of its spec."""
    labels = {"app": "nginx"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "nginx-deployment", "namespace": "default", "labels": labels},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {
                            "name": "nginx",
                            "image": "nginx:1.14.2",
                            "ports": [{"containerPort": 80}],
                        }
                    ]
                },
            },
            **spec,
        },
    }


def pod(**spec: Any) -> Obj:
    """A Pod with one container; `spec` replaces members of its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}], **spec},
    }


def container(**members: Any) -> Obj:
    return {"name": "web", "image": "nginx", **members}


def pod_with(**members: Any) -> Obj:
    """A Pod whose one container has these members too."""
    return pod(containers=[container(**members)])


def service(**spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], **spec},
    }


def config(**members: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "default"},
        **members,
    }
