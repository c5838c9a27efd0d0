"""Secrets: `stringData` is a way to write, never to read."""

from base64 import b64encode

from labctl.api.objects import Obj


def with_encoded_strings(secret: Obj) -> Obj:
    """The secret with its stringData moved into data; stringData wins."""
    strings = secret.get("stringData")
    if not strings:
        return {field: value for field, value in secret.items() if field != "stringData"}
    encoded = {key: b64encode(str(text).encode()).decode() for key, text in strings.items()}
    rest = {field: value for field, value in secret.items() if field != "stringData"}
    return {**rest, "data": {**(secret.get("data") or {}), **encoded}}
