"""The admin's kubeconfig: how kubectl reaches the lab from this machine.

Apart from `pki`, since it only copies files: whoever serves with certificates that were made by
`up` needs no cryptography to be imported.
"""

from base64 import b64encode
from pathlib import Path


def kubeconfig(directory: Path, server_url: str, lab: str = "lab", user: str = "admin") -> str:
    """The text of a kubeconfig that reaches `server_url` with the certificate `user`.crt.

    The certificates are inside, so the file works wherever it is copied to.
    """
    authority, certificate, key = (
        _base64_file(directory / name) for name in ("ca.crt", f"{user}.crt", f"{user}.key")
    )
    context = f"labctl-{lab}"
    return f"""\
apiVersion: v1
kind: Config
clusters:
- name: {context}
  cluster:
    server: {server_url}
    certificate-authority-data: {authority}
users:
- name: {context}-{user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {context}
  context:
    cluster: {context}
    user: {context}-{user}
current-context: {context}
"""


def _base64_file(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()
