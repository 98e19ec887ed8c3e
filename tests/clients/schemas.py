# SPDX-License-Identifier: MIT
"""Holds the golden files of tests/schemas.rs against the validator of the `jsonschema` package.

    python3 tests/clients/schemas.py [SEED]

Every schema that is published has to be one of 2020-12, without references; and where nothing is
lost, it has to accept and refuse the same made-up values as the schema it came from.
"""

import json
import pathlib
import random
import sys

from jsonschema import Draft202012Validator
from jsonschema.exceptions import _WrappedReferencingError as Unresolvable
from jsonschema.validators import validator_for

DATA = pathlib.Path(__file__).parent.parent / "data"
ROUNDS = 400

# Samples that lose something on purpose, and where: the others mean the same afterwards.
LOSSY = {
    "copilot": {
        "any-of-at-the-top": "choices at the top are joined",
        "dependencies-of-draft-07": "dependencies are not understood",
        "if-then-else": "conditions at the top are dropped",
        "recursive-filter": "cut where it meets itself",
        "recursive-in-a-ring": "cut where it meets itself",
        "recursive-to-the-top": "cut where it meets itself",
        "dynamic-reference": "cut where it meets itself",
        "tuple-of-draft-07": "tuples become choices",
        "tuple-of-2020-12": "tuples become choices",
    },
}
LOSSY["claude"] = {k: v for k, v in LOSSY["copilot"].items() if not k.startswith("tuple")}
# These are no schemas before they are mended, so there is nothing to compare with.
BROKEN = {"older-words-of-draft-03", "shouted-types", "values-of-the-wrong-kind"}
# What strict clients know.
STRICT = set(
    "additionalProperties anyOf const description enum exclusiveMaximum exclusiveMinimum format "
    "items maxItems maximum minItems minimum multipleOf pattern properties required title "
    "type".split()
)
SAMPLES = "a b kg g low high file text click type 2024-01-01T00:00:00Z abcdef".split()


def golden(care):
    text = (DATA / "golden" / f"schemas-{care}.txt").read_text()
    for part in text.split("## ")[1:]:
        name, line = part.rstrip("\n").split("\n", 1)
        original = json.loads((DATA / "schemas" / f"{name}.json").read_text())
        if line.startswith("withheld: "):
            continue
        yield name, original, original if line == "as it is" else json.loads(line)


def schemas_in(schema):
    """The schema and all below it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name, value in schema.items():
        if name in ("properties", "patternProperties", "dependentSchemas"):
            for one in value.values():
                yield from schemas_in(one)
        elif name in ("allOf", "anyOf", "oneOf", "prefixItems"):
            for one in value:
                yield from schemas_in(one)
        elif name not in ("const", "enum", "default", "examples"):
            yield from schemas_in(value)


def made_up(rng, schemas, names, depth=0):
    """Any value, made of the names and values that the schema speaks of."""
    kind = rng.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, 1, 2, 9, 0.5, -1, 9007199254740993])
    if kind < 4:
        return rng.choice(SAMPLES)
    if kind < 6:
        values = [v for s in schemas for v in s.get("enum", []) if not isinstance(v, dict)]
        values += [s["const"] for s in schemas if "const" in s]
        return rng.choice(values or ["x"])
    if kind == 6:
        return [made_up(rng, schemas, names, depth + 1) for _ in range(rng.randrange(4))]
    return {
        name: made_up(rng, schemas, names, depth + 1)
        for name in names
        if rng.random() < 0.6
    }


def check_same(name, care, original, mended, rng):
    cls = validator_for(original, default=Draft202012Validator)
    before, after = cls(original), Draft202012Validator(mended)
    schemas = list(schemas_in(mended))
    names = sorted({n for s in schemas for n in s.get("properties", {})} | {"other"})
    accepted = 0
    for _ in range(ROUNDS):
        value = {n: made_up(rng, schemas, names, 1) for n in names if rng.random() < 0.5}
        want, got = before.is_valid(value), after.is_valid(value)
        accepted += want
        assert want == got, f"{care} {name}: {value} was {want} and is {got}: {mended}"
    return accepted


def main():
    rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    compared = checked = 0
    for care in ("copilot", "claude", "strict"):
        for name, original, mended in golden(care):
            checked += 1
            Draft202012Validator.check_schema(mended)
            assert mended["type"] == "object", f"{care} {name}: {mended}"
            assert not {"anyOf", "oneOf", "allOf", "not", "enum"} & set(mended), f"{care} {name}"
            for schema in schemas_in(mended):
                assert not [key for key in schema if key.startswith("$")], f"{care} {name}"
                kinds = schema.get("type", [])
                kinds = [kinds] if isinstance(kinds, str) else kinds
                if care != "claude" and "array" in kinds:
                    assert "items" in schema, f"{care} {name}: {schema}"
                if care == "strict":
                    assert set(schema) <= STRICT, f"{name}: {set(schema) - STRICT}"
                    if "object" in kinds:
                        assert schema["additionalProperties"] is False, f"{name}: {schema}"
            if care in LOSSY and name not in LOSSY[care] and name not in BROKEN:
                try:
                    compared += bool(check_same(name, care, original, mended, rng))
                except Unresolvable as error:
                    raise AssertionError(f"{care} {name}: published with {error}") from error
    print(f"{checked} schemas are valid; {compared} accept what they accepted")


main()
