"""Identities as everybody names them: anonymous, admin, users, ServiceAccounts."""

from labctl.apiserver.request import Identity

AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
ANONYMOUS = Identity("system:anonymous", (UNAUTHENTICATED,))
ADMIN = Identity("system:admin", ("system:masters", AUTHENTICATED))

ACCOUNT_PREFIX = "system:serviceaccount:"


def identified(name: str, groups: tuple[str, ...]) -> Identity:
    """A user who has proved who it is."""
    return Identity(name, (*groups, AUTHENTICATED))


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every ServiceAccount of a namespace."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")


def split_account(user: str) -> tuple[str, str] | None:
    """Namespace and name of the ServiceAccount that a user is; None for any other user."""
    if not user.startswith(ACCOUNT_PREFIX):
        return None
    namespace, colon, name = user.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, name) if colon and namespace and name and ":" not in name else None
