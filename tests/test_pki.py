"""A lab's certificates: real TLS accepts them, they are stable, and the keys are private."""

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
import yaml

from labctl.controlplane.kubeconfig import kubeconfig
from labctl.pki import (
    TokenKey,
    UnknownToken,
    ensure_authority,
    ensure_certificate,
    ensure_signing_key,
)


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    ensure_authority(directory)
    ensure_certificate(directory, "apiserver", "kube-apiserver", ips=("127.0.0.1",))
    ensure_certificate(directory, "admin", "kubernetes-admin", ("system:masters",))
    ensure_signing_key(directory)
    return directory


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_keys_and_directory_are_private(pki: Path) -> None:
    assert stat.S_IMODE(pki.stat().st_mode) == 0o700
    for key in pki.glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_making_them_again_changes_nothing(pki: Path) -> None:
    before = _contents(pki)
    ensure_authority(pki)
    ensure_certificate(pki, "apiserver", "kube-apiserver", ips=("127.0.0.1",))
    ensure_certificate(pki, "admin", "kubernetes-admin", ("system:masters",))
    ensure_signing_key(pki)
    assert _contents(pki) == before


def test_a_new_address_makes_a_new_certificate(pki: Path) -> None:
    before = _contents(pki)
    ensure_certificate(pki, "apiserver", "kube-apiserver", ips=("127.0.0.1", "172.30.0.2"))
    assert _contents(pki)["apiserver.crt"] != before["apiserver.crt"]
    assert _contents(pki)["ca.crt"] == before["ca.crt"]


@pytest.mark.parametrize("name", ["ca.crt", "ca.key", "admin.crt", "admin.key"])
def test_a_damaged_file_is_made_again(pki: Path, name: str) -> None:
    (pki / name).write_bytes(b"not a certificate")
    ensure_authority(pki)
    ensure_certificate(pki, "apiserver", "kube-apiserver", ips=("127.0.0.1",))
    ensure_certificate(pki, "admin", "kubernetes-admin", ("system:masters",))
    assert _peer_subject(pki)["commonName"] == ["kubernetes-admin"]


def _peer_subject(pki: Path) -> dict[str, list[str]]:
    """What a TLS server sees of the admin's certificate in a handshake."""
    ours, theirs = socket.socketpair()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    server.load_verify_locations(pki / "ca.crt")
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    client.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def connect() -> None:
        with client.wrap_socket(theirs, server_hostname="127.0.0.1") as connection:
            connection.recv(1)

    thread = threading.Thread(target=connect)
    thread.start()
    with server.wrap_socket(ours, server_side=True) as connection:
        certificate = connection.getpeercert()
        connection.send(b".")
    thread.join()
    assert certificate is not None
    subject: dict[str, list[str]] = {}
    for ((key, value),) in certificate["subject"]:  # type: ignore[misc, str-unpack]
        subject.setdefault(str(key), []).append(str(value))
    return subject


def test_the_subject_is_the_user_and_the_groups(pki: Path) -> None:
    assert _peer_subject(pki) == {
        "commonName": ["kubernetes-admin"],
        "organizationName": ["system:masters"],
    }


def test_a_key_knows_its_own_tokens_and_no_others(pki: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    ensure_authority(other)
    ensure_signing_key(other)
    token = TokenKey.load(pki).sign({"sub": "robot", "aud": ["a"], "exp": 1})
    assert TokenKey.load(pki).claims(token) == {"sub": "robot", "aud": ["a"], "exp": 1}
    for key, shown in ((TokenKey.load(other), token), (TokenKey.load(pki), token[:-2])):
        with pytest.raises(UnknownToken):
            key.claims(shown)


@pytest.mark.parametrize("damage", [b"", b"not a key", None])
def test_a_damaged_signing_key_is_made_again(pki: Path, damage: bytes | None) -> None:
    key, public = pki / "sa.key", pki / "sa.pub"
    before = public.read_bytes()
    if damage is None:
        key.unlink()
    else:
        key.write_bytes(damage)
    ensure_signing_key(pki)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert public.read_bytes() != before
    TokenKey.load(pki).sign({})


def test_the_kubeconfig_stands_alone(pki: Path) -> None:
    config = yaml.safe_load(kubeconfig(pki, "https://127.0.0.1:7443", lab="demo"))
    assert config["current-context"] == "labctl-demo"
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:7443"
    assert set(config["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
