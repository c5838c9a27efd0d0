"""The Lab: labctl's own type, from a lab file or the ConfigMap `kube-system/labctl` to a value.

`parse_lab` turns the object into a `LabSpec` or raises an error that names the field; nothing else
in labctl reads a Lab object. `lab_object` is its inverse: what was parsed, with every default
spelled out.
"""

from labctl.api.lab.cni import CniSpec, check_conflist
from labctl.api.lab.configmap import (
    LAB_CONFIGMAP,
    LAB_CONFIGMAP_KEY,
    lab_configmap,
    lab_from_configmap,
    lab_from_yaml,
    lab_yaml,
)
from labctl.api.lab.parse import check_lab_name, check_node_count, parse_lab
from labctl.api.lab.schema import lab_schema
from labctl.api.lab.spec import (
    BACKENDS,
    DEFAULT_NAME,
    LAB_API_VERSION,
    LAB_KIND,
    MAX_NODES,
    STRICT,
    LabSpec,
    NetworkSpec,
    NodeSpec,
    StoreSpec,
    Taint,
    Times,
    default_lab,
    lab_object,
    node_address,
    node_addresses,
    numbered_nodes,
)
from labctl.api.lab.store import store_of_word

__all__ = [
    "BACKENDS",
    "DEFAULT_NAME",
    "LAB_API_VERSION",
    "LAB_CONFIGMAP",
    "LAB_CONFIGMAP_KEY",
    "LAB_KIND",
    "MAX_NODES",
    "STRICT",
    "CniSpec",
    "LabSpec",
    "NetworkSpec",
    "NodeSpec",
    "StoreSpec",
    "Taint",
    "Times",
    "check_conflist",
    "check_lab_name",
    "check_node_count",
    "default_lab",
    "lab_configmap",
    "lab_from_configmap",
    "lab_from_yaml",
    "lab_object",
    "lab_schema",
    "lab_yaml",
    "node_address",
    "node_addresses",
    "numbered_nodes",
    "parse_lab",
    "store_of_word",
]
