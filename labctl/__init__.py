"""labctl: Kubernetes networking, whole, on one Linux box, in about a second."""

__version__ = "0.1.0"
