"""Texts without the secrets of a lab: what its Secrets keep, and whatever is a token or a key.

The second line of defence: nothing that is put into a bundle should have any of it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable

_SHORTEST = 6  # bytes: a shorter word is in a text by chance
_HIDDEN = b"REDACTED"
_PATTERNS = (
    rb"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+",  # a JSON Web Token
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    rb"(?i:bearer) [\w.~+/=-]{6,}",
)


def scrubber(secrets: Iterable[bytes]) -> Callable[[bytes], bytes]:
    """A function that hides these secrets, in every form that they are written in."""
    words = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
    # The longest first: one secret may begin as another does.
    known = [re.escape(word) for word in sorted(words, key=len, reverse=True)]
    pattern = re.compile(b"|".join((*known, *_PATTERNS)), re.DOTALL)
    return lambda text: pattern.sub(_HIDDEN, text)


def _forms(secret: bytes) -> Iterable[bytes]:
    """As it is, in base64, in a string of JSON, and each of its lines."""
    yield secret
    yield b64encode(secret)
    yield json.dumps(secret.decode(errors="replace"))[1:-1].encode()
    yield json.dumps(secret.decode(errors="replace"), ensure_ascii=False)[1:-1].encode()
    yield from (line.strip() for line in secret.splitlines() if line.strip())
