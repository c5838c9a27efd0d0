"""The key that signs the tokens of a lab's ServiceAccounts, and knows them again.

JSON Web Tokens (RFC 7519) signed with ES256: elliptic curves as in the lab's certificates, and a
signature in 40 microseconds where RSA takes a millisecond. A token of another lab has another key.
"""

import base64
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.types import Options

from labctl.pki.files import private_pem, public_pem, read_key, write_file

SIGNING_KEY = "sa"  # sa.key and sa.pub, as kubeadm names them
_ALGORITHM = "ES256"
# Only the signature is the key's to judge: time and audience pass while a token lies in a cache.
_UNJUDGED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


class UnknownToken(ValueError):
    """No token, or none that this key has signed."""


def ensure_signing_key(directory: Path) -> None:
    """Makes `sa.key` (0600) and `sa.pub` in `directory`, unless they are there and belong together.

    A new key makes every token that was signed before worthless.
    """
    private, public = directory / f"{SIGNING_KEY}.key", directory / f"{SIGNING_KEY}.pub"
    try:
        key = read_key(private)
    except (OSError, ValueError, TypeError):
        key = ec.generate_private_key(ec.SECP256R1())
        write_file(private, private_pem(key), 0o600)
    pem = public_pem(key.public_key())
    if not public.exists() or public.read_bytes() != pem:
        write_file(public, pem, 0o644)


class TokenKey:
    """A lab's signing key, both halves."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._private = key
        self._public = key.public_key()
        self._headers = {"kid": _key_id(self._public)}

    @classmethod
    def load(cls, directory: Path) -> "TokenKey":
        """The key in `directory`; raises OSError, ValueError, TypeError."""
        return cls(read_key(directory / f"{SIGNING_KEY}.key"))

    def sign(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(dict(claims), self._private, _ALGORITHM, headers=self._headers)

    def claims(self, token: str) -> dict[str, Any]:
        """What a token claims, whether or not its time is over; raises UnknownToken."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._public, [_ALGORITHM], options=_UNJUDGED
            )
        except jwt.InvalidTokenError as error:
            raise UnknownToken(str(error)) from None
        return claims


def _key_id(key: ec.EllipticCurvePublicKey) -> str:
    """The key's fingerprint, which says with which of several keys to verify (RFC 7515, 4.1.4)."""
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(sha256(encoded).digest()).rstrip(b"=").decode()
