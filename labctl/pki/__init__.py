"""The keys of a lab: certificates for its processes and users, and what signs ServiceAccounts' tokens.

Importing this costs tens of milliseconds of cryptography: whoever only serves with files that `up`
made imports it when it is needed, if ever.
"""

from labctl.pki.certificates import ensure_authority, ensure_certificate
from labctl.pki.tokens import TokenKey, UnknownToken, ensure_signing_key

__all__ = [
    "TokenKey",
    "UnknownToken",
    "ensure_authority",
    "ensure_certificate",
    "ensure_signing_key",
]
