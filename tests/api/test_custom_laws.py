"""Laws: no schema and no object, however strange, ends in anything but causes."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from labctl.api.defaults import set_defaults
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.objects import Obj
from labctl.api.tables import table
from labctl.api.validation import shape_problems, validate
from tests.api.custom_samples import crontab, definition, resource, version

NAMES = st.sampled_from(["a", "b", "metadata", "kind", "apiVersion", "spec"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "", "null"])
COUNTS = st.integers(-1, 3)
FLAG = st.booleans()


def _schemas(inner: st.SearchStrategy[Obj]) -> st.SearchStrategy[Obj]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "nullable": FLAG,
            "default": JSON,
            "enum": st.lists(JSON, max_size=2),
            "minimum": COUNTS,
            "exclusiveMinimum": FLAG,
            "multipleOf": COUNTS,
            "minLength": COUNTS,
            "maxItems": COUNTS,
            "pattern": st.sampled_from(["^a$", "(", "[a-z]+"]),
            "format": st.sampled_from(["cidr", "date-time", "int32", "odd"]),
            "required": st.lists(NAMES, max_size=2),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "additionalProperties": FLAG | inner,
            "items": inner,
            "anyOf": st.lists(inner, max_size=2),
            "not": inner,
            "x-kubernetes-int-or-string": FLAG,
            "x-kubernetes-preserve-unknown-fields": FLAG,
            "x-kubernetes-embedded-resource": FLAG,
            "x-kubernetes-list-type": st.sampled_from(["set", "map", "atomic", "bag"]),
            "x-kubernetes-list-map-keys": st.lists(NAMES, max_size=2),
        },
    )


SCHEMAS = st.recursive(st.just({"type": "string"}) | _schemas(st.just({})), _schemas, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(SCHEMAS | SCHEMAS.map(lambda one: {**one, "type": "object"}), JSON)
@example({"nullable": False, "x-kubernetes-preserve-unknown-fields": True, "default": None}, None)
def test_schemas_are_refused_in_words_or_fit_every_object(inner: Obj, value: Any) -> None:
    schema = {"type": "object", "properties": {"spec": inner}}
    crd = set_defaults(CRDS, definition(version(schema=schema)))
    if shape_problems(CRDS, crd).types or validate(CRDS, crd):
        return
    crontabs = resource(schema)
    obj = {**crontab(), "spec": value, "extra": value}
    made = set_defaults(crontabs, obj)
    assert set_defaults(crontabs, made) is made
    assert shape_problems(crontabs, made).unknown == ()
    validate(crontabs, made)
    validate(crontabs, made, {**made, "spec": 1})


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_definitions_of_any_shape_are_told_what_is_wrong(spec: Obj) -> None:
    crd = {**definition(), "spec": {**definition()["spec"], **spec, "versions": [spec]}}
    assert validate(CRDS, set_defaults(CRDS, crd))


@given(JSON)
def test_columns_print_whatever_is_there(value: Any) -> None:
    kinds = ("string", "integer", "number", "boolean", "date")
    columns = [{"name": kind, "type": kind, "jsonPath": ".spec"} for kind in kinds]
    rows = table(resource(additionalPrinterColumns=columns), [{**crontab(), "spec": value}])["rows"]
    assert len(rows[0]["cells"]) == 6
