"""Names of images: what they mean, and which are none."""

import pytest

from labctl.api.images import full_name
from labctl.errors import BadInput

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("team/app", "docker.io/team/app:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("ghcr.io/a/b_c__d--e:V1.0_x", "ghcr.io/a/b_c__d--e:V1.0_x"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:2", "localhost:5000/app:2"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("Registry.local/app", "Registry.local/app:latest"),
        (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}"),
        (f"busybox:1@{DIGEST}", f"docker.io/library/busybox:1@{DIGEST}"),
    ],
)
def test_a_name_means_what_docker_means(text: str, full: str) -> None:
    assert str(full_name(text)) == full
    assert full_name(full) == full_name(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase"),
        (
            "quay.io/Team/app",
            "invalid reference format: repository name (Team/app) must be lowercase",
        ),
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("-a", "invalid reference format"),
        ("a:", "invalid reference format"),
        ("a/../b", "invalid reference format"),
        ("a:" + "t" * 129, "invalid reference format"),
        ("a@sha256:ff", "invalid reference format"),
        ("a@md5", "invalid reference format"),
        ("a\n", "invalid reference format"),
        ("a" * 100_000, "invalid reference format"),
        ("a" * 256, "repository name must not be more than 255 characters"),
        (
            "f" * 64,
            f"invalid repository name ({'f' * 64}), cannot specify 64-byte hexadecimal strings",
        ),
    ],
)
def test_what_is_no_name_is_said_in_dockers_words(text: str, why: str) -> None:
    with pytest.raises(BadInput) as error:
        full_name(text)
    assert error.value.message == f'couldn\'t parse image name "{text}": {why}'
