"""Users by client certificate: a common name is the user, organizations are the groups."""

from collections.abc import Mapping
from typing import Any

from labctl.api import status
from labctl.apiserver.authentication.identities import identified
from labctl.apiserver.request import Identity


def of_certificate(certificate: Mapping[str, Any]) -> Identity:
    """User and groups of a certificate's subject; raises 401 if it names no user."""
    name, groups = "", list[str]()
    for relative_name in certificate.get("subject", ()):
        for attribute, value in relative_name:
            if attribute == "commonName":
                name = value
            elif attribute == "organizationName":
                groups.append(value)
    if not name:
        raise status.unauthorized()
    return identified(name, tuple(groups))
