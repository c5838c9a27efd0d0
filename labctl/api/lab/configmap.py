"""The ConfigMap `kube-system/labctl`: how agents, controllers and verify learn the lab."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from labctl.api.lab.parse import parse_lab
from labctl.api.lab.spec import LabSpec, lab_object
from labctl.api.objects import Obj
from labctl.api.yaml_text import dump
from labctl.api.yaml_values import YamlProblem, load_documents
from labctl.errors import BadInput

LAB_CONFIGMAP = ("kube-system", "labctl")  # namespace, name
LAB_CONFIGMAP_KEY = "lab.yaml"


def lab_yaml(spec: LabSpec) -> str:
    """The Lab object as YAML: the text of lab.yaml and of the ConfigMap."""
    return dump(lab_object(spec))


def lab_configmap(spec: LabSpec) -> Obj:
    """The ConfigMap from which agents, controllers and verify learn the lab."""
    namespace, name = LAB_CONFIGMAP
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {LAB_CONFIGMAP_KEY: lab_yaml(spec)},
    }


def lab_from_configmap(obj: Mapping[str, Any]) -> LabSpec:
    """The lab that the ConfigMap holds; BadInput when it holds none."""
    text = (obj.get("data") or {}).get(LAB_CONFIGMAP_KEY) or ""
    return lab_from_yaml(text)


@lru_cache(maxsize=1)  # agents find here what was read before they were forked
def lab_from_yaml(text: str) -> LabSpec:
    """The lab of a lab.yaml that labctl wrote; BadInput when it is something else."""
    try:
        document = next(load_documents(text), None)
    except YamlProblem as error:
        raise BadInput(f"{LAB_CONFIGMAP_KEY}:{error.line}: {error.problem}") from None
    return parse_lab(document.value if document else None)
