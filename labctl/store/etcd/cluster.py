"""Where an etcd is, and how one proves to it who one is."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from labctl.names import ETCD_PORT
from labctl.store import StoreError


@dataclass(frozen=True)
class Cluster:
    """The endpoints of one etcd, as URLs (http, https, unix), and the files for TLS, if any."""

    endpoints: tuple[str, ...]
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def credentials(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Authority, key and certificate in PEM, each None if there is none. Raises StoreError."""
        return _read(self.ca_file), _read(self.key_file), _read(self.cert_file)


def target(endpoint: str) -> str:
    """How gRPC names an endpoint."""
    url = urlsplit(endpoint)
    if url.scheme == "unix":
        return f"unix:{url.path}"
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{host}:{url.port or ETCD_PORT}"


def is_encrypted(endpoint: str) -> bool:
    return endpoint.startswith("https:")


def _read(file: str) -> bytes | None:
    if not file:
        return None
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}") from error
