"""Names of images: `registry:5000/team/app:1.2@sha256:…`.

As a pod has them, anything is taken: what is wrong with a name is the node's to say. What names
mean, and which are none, is as in Docker's distribution reference: `busybox` is
`docker.io/library/busybox:latest`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from labctl.errors import BadInput

DEFAULT_TAG = "latest"

_DEFAULT_DOMAIN, _OFFICIAL = "docker.io", "library/"
_MAX_REPOSITORY = 255
_MAX_TEXT = 1024  # a repository, a tag and a digest are shorter
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"({_DOMAIN}/{_PART}(?:/{_PART})*)(?::(\w[\w.-]{{0,127}}))?(?:@({_DIGEST}))?", re.ASCII
)
_HEXADECIMAL = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True)
class ImageName:
    """An image's parts; `tag` is "latest" where neither tag nor digest is given."""

    repository: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_image(text: str) -> ImageName:
    """The parts of an image's name as they are written; anything is taken."""
    rest, _, digest = text.partition("@")
    # A colon before the last slash belongs to the registry's port.
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return ImageName(rest, "" if digest else DEFAULT_TAG, digest)
    return ImageName(head, tag, digest)


@lru_cache(maxsize=1024)
def full_name(text: str) -> ImageName:
    """The parts of an image's name, its registry and tag spelled out.

    Raises BadInput, in the words in which kubelets pass it on, for a text that names none.
    """
    if _HEXADECIMAL.fullmatch(text):
        what = f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        raise _invalid(text, what)
    domain, rest = _split_domain(text)
    path = rest.partition(":")[0]
    if path != path.lower():
        lower = f"invalid reference format: repository name ({path}) must be lowercase"
        raise _invalid(text, lower)
    found = _REFERENCE.fullmatch(f"{domain}/{rest}") if len(text) <= _MAX_TEXT else None
    if found is None:
        raise _invalid(text, "invalid reference format")
    repository, tag, digest = found[1], found[2] or "", found[3] or ""
    if len(repository) > _MAX_REPOSITORY:
        long = f"repository name must not be more than {_MAX_REPOSITORY} characters"
        raise _invalid(text, long)
    return ImageName(repository, tag if tag or digest else DEFAULT_TAG, digest)


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    is_domain = set(first) & {".", ":"} or first == "localhost" or first != first.lower()
    if not slash or not is_domain:
        first, rest = _DEFAULT_DOMAIN, text
    if first == f"index.{_DEFAULT_DOMAIN}":
        first = _DEFAULT_DOMAIN
    if first == _DEFAULT_DOMAIN and "/" not in rest:
        rest = _OFFICIAL + rest
    return first, rest


def _invalid(text: str, why: str) -> BadInput:
    return BadInput(f'couldn\'t parse image name "{text}": {why}')


@lru_cache(maxsize=1024)
def pull_policy(image: str) -> str:
    """The default imagePullPolicy: Always for what may change under its name (`latest`)."""
    return "Always" if parse_image(image).tag == DEFAULT_TAG else "IfNotPresent"
