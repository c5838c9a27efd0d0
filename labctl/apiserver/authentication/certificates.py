"""Users by client certificate: a common name is the user, organizations are the groups."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from labctl.api import status
from labctl.apiserver.authentication.identities import identified
from labctl.apiserver.request import Identity

_Subject = tuple[tuple[tuple[str, str], ...], ...]


def of_certificate(certificate: Mapping[str, Any]) -> Identity:
    """User and groups of a certificate's subject; raises 401 if it names no user."""
    return _of_subject(certificate.get("subject", ()))


@lru_cache(maxsize=1024)  # each node asks for thousands of things
def _of_subject(subject: _Subject) -> Identity:
    name, groups = "", list[str]()
    for relative_name in subject:
        for attribute, value in relative_name:
            if attribute == "commonName":
                name = value
            elif attribute == "organizationName":
                groups.append(value)
    if not name:
        raise status.unauthorized()
    return identified(name, tuple(groups))
