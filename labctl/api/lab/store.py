"""Reading where a lab's state is kept: `spec.store` of a Lab, and the word of `up --store`."""

import os.path
from typing import Any
from urllib.parse import urlsplit

from labctl.api.fields import FieldError, Path
from labctl.api.lab import checks
from labctl.api.lab.spec import STORES, StoreSpec

_PATH: Path = ("spec", "store")
_FIELDS = ("engine", "endpoints", "caFile", "certFile", "keyFile")
_EXAMPLE = "https://192.0.2.10:2379"


def read_store(value: Any) -> StoreSpec:
    """The store that `spec.store` describes; raises FieldError."""
    members = checks.members(value, _PATH, _FIELDS)
    store = StoreSpec(
        checks.choice(members.get("engine") or STORES[0], (*_PATH, "engine"), STORES),
        _endpoints(members.get("endpoints")),
        *(_file(members.get(field), (*_PATH, field)) for field in _FIELDS[2:]),
    )
    _check_together(store)
    return store


def store_of_word(word: str, before: StoreSpec) -> StoreSpec:
    """`sqlite`, `etcd` (one that the lab starts) or `etcd=URL[,URL…]`; keeps the files for TLS."""
    engine, equals, urls = word.partition("=")
    path: Path = ("--store",)
    checks.choice(engine, path, STORES)
    if not equals:
        return StoreSpec(engine)
    if engine != "etcd":
        raise FieldError(path, f"{engine} takes no URL")
    endpoints = tuple(_endpoint(url, path) for url in urls.split(","))
    return StoreSpec(engine, endpoints, before.ca_file, before.cert_file, before.key_file)


def _endpoints(value: Any) -> tuple[str, ...]:
    path = (*_PATH, "endpoints")
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        raise FieldError(path, f"must be a list of URLs such as {_EXAMPLE}")
    return tuple(_endpoint(url, (*path, index)) for index, url in enumerate(value))


def _endpoint(value: Any, path: Path) -> str:
    text = checks.string(value, path)
    try:
        url = urlsplit(text)
        sound = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        sound = False
    if not sound or url.path not in ("", "/") or url.query or url.fragment:
        raise FieldError(path, f"{text[:80]!r} is not a URL such as {_EXAMPLE}")
    if url.username is not None:
        raise FieldError(path, "must hold no user", "etcd knows its users by certificates")
    return text.rstrip("/")


def _file(value: Any, path: Path) -> str:
    if value is None:
        return ""
    text = checks.string(value, path)
    if not os.path.isabs(text):
        raise FieldError(path, f"{text[:80]!r} is not an absolute path")
    return text


def _check_together(store: StoreSpec) -> None:
    files = (store.ca_file, store.cert_file, store.key_file)
    if store.engine != "etcd" and (store.endpoints or any(files)):
        problem = f"{store.engine} has neither endpoints nor files for TLS"
        raise FieldError((*_PATH, "engine"), problem, "engine: etcd")
    if any(files) and not all(url.startswith("https:") for url in store.endpoints or ("",)):
        raise FieldError((*_PATH, "endpoints"), "files for TLS are for https endpoints")
    if bool(store.cert_file) != bool(store.key_file):
        missing = "keyFile" if store.cert_file else "certFile"
        raise FieldError((*_PATH, missing), "is required beside the other of the pair")
