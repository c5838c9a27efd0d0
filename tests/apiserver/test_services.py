"""Services as they are created and changed: addresses, ports of the nodes, and what is refused."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj
from labctl.errors import StatusError
from tests.apiserver.https import listening
from tests.apiserver.serving import client, refused, run, serving, transport


def _service(name: str, *ports: Obj, **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": list(ports) or [{"port": 80}], **spec},
    }


def _node_ports(service: Obj) -> list[int | None]:
    return [port.get("nodePort") for port in service["spec"]["ports"]]


def test_ports_of_the_nodes_are_given_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await asyncio.gather(
                *(api.create(SERVICES, _service(f"s{n}", type="NodePort")) for n in range(100))
            )
            numbers = [_node_ports(one)[0] or 0 for one in made]
            assert len(set(numbers)) == 100
            assert all(30086 <= number <= 32767 for number in numbers)
            plain = await api.create(SERVICES, _service("plain"))
            assert _node_ports(plain) == [None]
            balanced = await api.create(SERVICES, _service("balanced", type="LoadBalancer"))
            assert _node_ports(balanced)[0] not in (None, *numbers)

    run(main())


def test_all_protocols_of_a_port_have_one_number(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            tcp = {"name": "tcp", "port": 53, "protocol": "TCP"}
            udp = {"name": "udp", "port": 53, "protocol": "UDP"}
            web = {"name": "web", "port": 80}
            spec = _service("dns", tcp, udp, web, type="NodePort")
            numbers = _node_ports(await client(server).create(SERVICES, spec))
            assert numbers[0] == numbers[1] != numbers[2]

    run(main())


def test_ports_that_were_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            asked = {"port": 80, "nodePort": 30080}
            await api.create(SERVICES, _service("a", asked, type="NodePort"))
            error = await refused(
                api.create(SERVICES, _service("b", asked, type="NodePort")), 422, "Invalid"
            )
            assert error.message == (
                'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: '
                "provided port is already allocated"
            )
            far = {"port": 80, "nodePort": 80}
            error = await refused(
                api.create(SERVICES, _service("b", far, type="NodePort")), 422, "Invalid"
            )
            assert error.message.endswith(
                "provided port is not in the valid range. The range of valid ports is 30000-32767"
            )
            await api.delete(SERVICES, "a", "default")
            await api.create(SERVICES, _service("b", asked, type="NodePort"))

    run(main())


def test_a_failed_attempt_does_not_keep_what_it_was_promised(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            chosen = {"clusterIP": "10.96.7.7", "type": "NodePort"}
            wrong = _service("a", {"port": 80, "nodePort": 30080, "targetPort": "_"}, **chosen)
            await refused(api.create(SERVICES, wrong), 422, "Invalid", "targetPort")
            right = _service("a", {"port": 80, "nodePort": 30080}, **chosen)
            dry = transport(server).request(
                "POST", SERVICES.path("default"), query={"dryRun": "All"}, body=right
            )
            await dry
            made = await api.create(SERVICES, right)
            assert (made["spec"]["clusterIP"], _node_ports(made)) == ("10.96.7.7", [30080])

    run(main())


def test_types_change(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)

            async def become(**spec: Any) -> Obj:
                changed = await api.patch(SERVICES, "a", {"spec": spec}, "default")
                result: Obj = changed["spec"]
                return result

            first = (await api.create(SERVICES, _service("a")))["spec"]
            outward = await become(type="NodePort")
            assert outward["clusterIP"] == first["clusterIP"]
            assert outward["externalTrafficPolicy"] == "Cluster"
            number = outward["ports"][0]["nodePort"]
            assert (await become(type="LoadBalancer"))["ports"][0]["nodePort"] == number
            inward = await become(type="ClusterIP")
            assert inward == first
            named = await become(type="ExternalName", externalName="example.com")
            assert "clusterIP" not in named
            again = await become(type="ClusterIP", externalName=None)
            assert again["clusterIP"].startswith("10.96.")

    run(main())


def test_a_replacement_without_addresses_and_ports_keeps_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await api.create(SERVICES, _service("a", type="NodePort"))
            kept = await api.replace(SERVICES, _service("a", type="NodePort", selector={"a": "b"}))
            assert kept["spec"] == {**made["spec"], "selector": {"a": "b"}}

    run(main())


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            {"ipFamilies": ["IPv6"]},
            'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
        ),
        (
            {"ipFamilyPolicy": "RequireDualStack"},
            (
                'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": '
                "this cluster is not configured for dual-stack services"
            ),
        ),
        ({"type": "NodePort", "clusterIP": "None"}, "may not be set to 'None'"),
        ({"type": "ExternalName"}, "spec.externalName: Required value"),
        ({"ports": [{}], "type": "NodePort"}, "spec.ports[0].port: Required value"),
    ],
)
def test_services_that_make_no_sense(tmp_path: Path, spec: Obj, sentence: str) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            made = client(server).create(SERVICES, _service("a", **spec))
            await refused(made, 422, "Invalid", sentence)

    run(main())


def test_a_client_is_told_that_traffic_comes_later(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            url = f"{site.url}/api/v1/namespaces/default/services"
            async with session.post(url, json=_service("a")) as response:
                assert response.status == 201, await response.text()
                assert "nothing in the lab routes their traffic yet" in response.headers["Warning"]

    run(main())


def test_the_last_port_is_found_and_then_there_is_none(tmp_path: Path) -> None:
    """One Service takes all of the range but its end; what is left is found by looking."""

    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            last = 32767
            ports = [
                {"name": f"p{n}", "port": n - 29999, "nodePort": n} for n in range(30000, last)
            ]
            await api.create(SERVICES, _service("many", *ports, type="NodePort"))
            found = await api.create(SERVICES, _service("one", type="NodePort"))
            assert _node_ports(found) == [last]
            with pytest.raises(StatusError) as caught:
                await api.create(SERVICES, _service("none", type="NodePort"))
            assert "range is full" in caught.value.message

    run(main())
