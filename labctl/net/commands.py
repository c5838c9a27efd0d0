"""The commands one would type: `ip`, `bridge`, `sysctl` and `nft` lines for nouns.

labctl runs none of them (netlink is some hundred times quicker), but they say best what is done.
A test types every one of them and finds the kernel as labctl itself would have left it.
"""

import shlex

from labctl.net.nouns import Address, FdbEntry, Link, Neighbor, NftTable, Noun, Route, Sysctl

_OBJECTS = {Address: "ip address", Neighbor: "ip neighbor", FdbEntry: "bridge fdb"}


def create(noun: Noun) -> str:
    """The command that makes `noun`."""
    if isinstance(noun, Link):
        return _add_link(noun)
    return _line(noun, "add")


def replace(noun: Noun) -> str:
    """The command that brings what has the key of `noun` to its state."""
    return _line(noun, "replace")


def delete(noun: Noun) -> str:
    """The command that takes `noun` away."""
    match noun:
        case Link(kind="loopback"):
            return f"ip link set dev {noun.name} down"
        case Link():
            return f"ip link delete dev {noun.name}"
        case NftTable():
            return f"nft delete table {noun.family} {noun.name}"
        case _:
            return _line(noun, "delete")


def _line(noun: Noun, verb: str) -> str:
    match noun:
        case Route():
            program = "ip -6 route" if ":" in noun.destination else "ip route"
            return f"{program} {verb} {noun.describe()}"
        case Sysctl():
            return f"sysctl -w {noun.describe()}"
        case NftTable():
            return f"nft -f - # {noun.describe()}"
        case _:
            return f"{_OBJECTS[type(noun)]} {verb} {noun.describe()}"


def _add_link(link: Link) -> str:
    if link.kind == "loopback":
        return f"ip link set dev {link.name} up"
    nothing = Link(link.name, link.kind, mtu=0, up=False, alias=link.alias)
    words = ["ip link add", link.name, *_settings(nothing, link), "type", link.kind]
    words += [link.vxlan.describe()] if link.vxlan else []
    words += [link.peer.describe()] if link.peer else []
    if link.alias:  # the kernel ignores one in the message that makes a link
        words += ["&& ip link set dev", link.name, "alias", shlex.quote(link.alias)]
    if link.hairpin:
        words += ["&&", _hairpin(link)]
    return " ".join(words)


def change_link(before: Link, after: Link) -> str:
    """The command that brings a link from one state to another of the same kind."""
    settings = _settings(before, after)
    commands = [" ".join(["ip link set dev", after.name, *settings])] if settings else []
    if after.turns_hairpin(before):
        commands.append(_hairpin(after))
    return " && ".join(commands)


def _hairpin(link: Link) -> str:
    return (
        f"ip link set dev {link.name} type bridge_slave hairpin {'on' if link.hairpin else 'off'}"
    )


def _settings(before: Link, after: Link) -> list[str]:
    words: list[str] = []
    if after.mtu != before.mtu:
        words += ["mtu", str(after.mtu)]
    if after.mac != before.mac:
        words += ["address", after.mac]
    if after.master != before.master:
        words += ["master", after.master] if after.master else ["nomaster"]
    if after.alias != before.alias:
        words += ["alias", shlex.quote(after.alias)]
    if after.up != before.up:
        words += ["up" if after.up else "down"]
    return words
