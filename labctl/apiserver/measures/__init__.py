"""What the API server does and how long it takes, for `/metrics`: names are Kubernetes'."""

from labctl.apiserver.measures.requests import Measures

__all__ = ["Measures"]
