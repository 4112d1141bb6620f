"""The operator table against ONNX's own schemas: types, attributes and operands of the newest version of each."""
import pytest
from onnx import defs

NAMES = {"float": "float32", "double": "float64"}
# Types that a schema allows and that nothing is computed of.
REFUSED = {"Col2Im": {"string", "complex64", "complex128"}}  # columns are added up; there are no complex numbers here
NEWER = {"Celu"}  # the installed schemas are of an older operator set


@pytest.fixture
def rows(assay):
    return {op["name"]: op for op in assay("ops", "--json", code=0).result if op["runs"] and op["domain"] == ""}


def element_types(schema, operand):
    """Those of tensors, under our names."""
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    texts = allowed.get(operand.type_str, [operand.type_str])
    inner = [t[7:-1] for t in texts if t.startswith("tensor(")]
    return {NAMES.get(t, t) for t in inner}


def newest(rows):
    return [(row, defs.get_schema(name)) for name, row in rows.items() if defs.has(name)]


def test_every_type_of_the_newest_schema_is_taken(rows):
    missing = {}
    for row, schema in newest(rows):
        for operand, ours in zip(schema.inputs, row["inputs"], strict=False):
            lacking = element_types(schema, operand) - set(ours["types"]) - REFUSED.get(row["name"], set())
            if lacking:
                missing[row["name"], operand.name] = sorted(lacking)
    assert not missing


def test_rows_are_of_the_newest_version(rows):
    older = {row["name"]: (row["since"], schema.since_version) for row, schema in newest(rows)
             if row["since"] != schema.since_version and row["name"] not in NEWER and not schema.deprecated}
    assert {name for name, (ours, theirs) in older.items() if ours < theirs} == set()


def test_operands_and_attributes_are_the_schemas(rows):
    for row, schema in newest(rows):
        if schema.deprecated or row["since"] > schema.since_version:
            continue
        known = {a["name"] for a in row["attributes"]}
        assert known <= set(schema.attributes), row["name"]
        assert set(schema.attributes) - known <= {"sparse_value"}, row["name"]
        assert len(schema.inputs) == len(row["inputs"]), row["name"]
