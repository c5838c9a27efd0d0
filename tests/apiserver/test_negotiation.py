"""In which form answers come, and bodies may be sent: JSON, YAML, and Kubernetes' words for others."""

from pathlib import Path

import pytest
import yaml

from labctl.api import yaml_text
from labctl.apiserver.negotiation import chosen
from labctl.apiserver.request import JSON, PROTOBUF, YAML
from tests.api.protobuf_bodies import body
from tests.apiserver.https import listening
from tests.apiserver.serving import config_map, run

_MAPS = "/api/v1/namespaces/default/configmaps"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("Application/JSON; charset=utf-8", JSON),
        (f"{PROTOBUF},{JSON}", JSON),
        (f"{PROTOBUF}, */*", JSON),
        (f"{_TABLE},{JSON}", JSON),
        (YAML, YAML),
        (f"{JSON};q=0.5,{YAML}", YAML),
        (f"{YAML};q=x,{JSON}", YAML),
        (f"{JSON};q=0,{YAML}", YAML),
        (PROTOBUF, None),
        ("text/*", None),
        (f"{JSON};q=0", None),
        ("json", None),
        (",;,", None),
    ],
)
def test_the_client_likes_best_what_it_gets(accept: str, expected: str | None) -> None:
    assert chosen(accept, (JSON, YAML)) == expected


def test_objects_are_sent_and_answered_as_yaml(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            text = yaml_text.dump(config_map("a", key="1e3"))
            as_yaml = {"Content-Type": YAML, "Accept": YAML}
            async with session.post(_MAPS, data=text, headers=as_yaml) as answer:
                assert (answer.status, answer.headers["Content-Type"]) == (201, YAML)
                created = yaml.safe_load(await answer.text())
            assert created["data"] == {"key": "1e3"}
            async with session.get(_MAPS, headers=as_yaml) as answer:
                listed = yaml.safe_load(await answer.text())
            assert listed["items"][0]["data"] == created["data"]
            created["data"]["key"] = "2"
            text = yaml_text.dump(created)
            async with session.put(f"{_MAPS}/a", data=text, headers=as_yaml) as answer:
                assert answer.status == 200
            async with session.delete(
                f"{_MAPS}/a", data="gracePeriodSeconds: 0", headers=as_yaml
            ) as answer:
                assert answer.status == 200

    run(main())


def test_who_wants_only_what_there_is_not_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            only = {"Accept": PROTOBUF}
            words = f"only the following media types are accepted: {JSON}, {YAML}"
            async with session.post(_MAPS, json=config_map("a"), headers=only) as answer:
                assert answer.status == 406
                refusal = await answer.json()
            assert (refusal["reason"], refusal["message"]) == ("NotAcceptable", words)
            async with session.get(f"{_MAPS}/a") as answer:
                assert answer.status == 404
            async with session.get(
                _MAPS, params={"watch": "1"}, headers={"Accept": YAML}
            ) as answer:
                assert answer.status == 406
            async with session.get("/apis", headers=only) as answer:
                assert answer.status == 406

    run(main())


def test_protobuf_is_known_by_its_type_and_by_its_first_bytes(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            wishes = {"Accept": f"{PROTOBUF},{JSON}"}
            for name, type_ in (("a", {"Content-Type": PROTOBUF}), ("b", {})):
                async with session.post(
                    _MAPS,
                    data=body(config_map(name, key="value")),
                    headers={**wishes, **type_},
                    skip_auto_headers=["Content-Type"],
                ) as answer:
                    assert answer.status == 201, await answer.text()
                    assert (await answer.json())["data"] == {"key": "value"}
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
            async with session.delete(
                f"{_MAPS}/a", data=body(options), headers={"Content-Type": PROTOBUF}
            ) as answer:
                assert answer.status == 200
            async with session.get(f"{_MAPS}/a") as answer:
                assert answer.status == 200

    run(main())
