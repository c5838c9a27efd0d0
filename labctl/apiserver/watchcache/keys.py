"""What a key of the store says: `/core/pods/NAMESPACE/NAME`, or `/core/nodes/NAME`."""


def prefix_of(key: str) -> str:
    """`/core/pods/` of `/core/pods/default/web`."""
    return key[: key.index("/", key.index("/", 1) + 1) + 1]


def identity_of(key: str) -> tuple[str, str]:
    """Namespace and name; the namespace of what is cluster-scoped is ""."""
    rest = key[len(prefix_of(key)) :]
    namespace, slash, name = rest.partition("/")
    return (namespace, name) if slash else ("", rest)
