"""What an image makes of a container: which one is meant, and what it says where the pod does not."""

from msgspec.structs import replace

from labctl.api.images import ImageName, full_name
from labctl.cri.errors import (
    CREATE_CONTAINER_ERROR,
    IMAGE_NEVER_PULLED,
    IMAGE_NOT_PULLED,
    INVALID_IMAGE_NAME,
    CriError,
)
from labctl.cri.messages import ContainerConfig, LoadedImage, Security, StoredImage
from labctl.errors import BadInput
from labctl.images.documents import Defaults
from labctl.images.image import Image, repository_of
from labctl.images.index import Index
from labctl.runtime.signals import number_of
from labctl.runtime.users import User, find_user, read_accounts


def find_image(store: Index, config: ContainerConfig) -> tuple[ImageName, Image] | None:
    """The image of a container, None if something else may run in its place.

    Raises CriError, with a kubelet's reason and words, if nothing may.
    """
    if not config.image:
        return None
    try:
        name = full_name(config.image)
    except BadInput as error:
        why = f'Failed to apply default image tag "{config.image}": {error.message}'
        raise CriError(why, INVALID_IMAGE_NAME) from error
    image = store.find(name)
    if image is not None:
        return name, image
    if config.pull_policy == "Never":
        why = f'Container image "{config.image}" is not present with pull policy of Never'
        raise CriError(why, IMAGE_NEVER_PULLED)
    if config.only_images:
        why = f'failed to pull image "{name}": not loaded, and a lab has no registry to pull from'
        raise CriError(why, IMAGE_NOT_PULLED)
    return None


def complete(
    config: ContainerConfig, name: ImageName, image: Image, store: Index
) -> tuple[ContainerConfig, LoadedImage]:
    """The config with all that the image says; raises CriError for what neither of them says."""
    layers = store.layers_of(image)
    user = find_user(_wanted_user(config.security, image.defaults), read_accounts(layers))
    loaded = LoadedImage(image.id, str(name), reference(name, image))
    return replace(with_defaults(config, image.defaults, user), layers=layers), loaded


def with_defaults(config: ContainerConfig, defaults: Defaults, user: User) -> ContainerConfig:
    """A command takes the place of the entrypoint and what goes with it, args that of cmd alone."""
    command, args = config.command, config.args
    if not command and not args:
        args = defaults.cmd or ()
    command = command or defaults.entrypoint or ()
    if not command and not args:
        raise CriError("no command specified", CREATE_CONTAINER_ERROR)
    given = dict(pair.partition("=")[::2] for pair in defaults.env or ())
    return replace(
        config,
        command=command,
        args=args,
        env=tuple(({"HOME": user.home} | given | dict(config.env)).items()),
        working_dir=config.working_dir or defaults.working_dir or "",
        security=_as(user, config.security),
        stop_signal=number_of(defaults.stop_signal or ""),
    )


def reference(name: ImageName, image: Image) -> str:
    """An image as a status tells it: by its manifest, or by its id if it has none."""
    return f"{name.repository}@{image.digest}" if image.digest else image.id


def stored_image(image: Image) -> StoredImage:
    digests = {f"{repository_of(one)}@{image.digest}" for one in image.names if image.digest}
    return StoredImage((*sorted(digests), *image.names), image.size)


def _wanted_user(security: Security, defaults: Defaults) -> str:
    """The pod's runAsUser, which leaves nothing of the image's user."""
    return (defaults.user or "") if security.user is None else str(security.user)


def _as(user: User, security: Security) -> Security:
    return replace(
        security,
        user=user.number,
        group=user.group if security.group is None else security.group,
        groups=tuple(dict.fromkeys((*security.groups, *user.groups))),
    )
