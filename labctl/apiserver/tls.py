"""The TLS of the API server: as a server to all its clients, as a client to the agents."""

import ssl
from pathlib import Path


def server_context(pki: Path, file_name: str = "apiserver") -> ssl.SSLContext:
    """TLS 1.2 or better; a client certificate is optional, but the lab's if there is one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki / f"{file_name}.crt", pki / f"{file_name}.key")
    context.load_verify_locations(pki / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    # Tickets to resume a session: a third of a handshake's cost, and no client here uses them.
    context.num_tickets = 0
    return context


def agent_client_context(pki: Path, file_name: str = "apiserver-kubelet-client") -> ssl.SSLContext:
    """For the hop to an agent, which must show a certificate of the lab for its address."""
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki / f"{file_name}.crt", pki / f"{file_name}.key")
    return context
