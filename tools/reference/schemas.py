"""The published JSON schemas, as plain values for a page. They are in doc/reference/schemas, and tests hold them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "doc" / "reference" / "schemas"

# In the order of their use.
NAMES = ("fanout", "subscription", "signed-job", "result", "failures", "change", "dead-letter")


@dataclass(frozen=True)
class Key:
    name: str
    is_required: bool
    value: str
    meaning: str


@dataclass(frozen=True)
class Schema:
    name: str
    title: str
    description: str
    keys: tuple[Key, ...]
    example: str


def read_schemas() -> tuple[Schema, ...]:
    return tuple(_read(name) for name in NAMES)


def _read(name: str) -> Schema:
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    example = json.dumps(schema["examples"][-1], ensure_ascii=False)
    return Schema(name, schema["title"], schema["description"], tuple(_keys(schema)), example)


def _keys(schema: dict[str, Any]) -> Iterator[Key]:
    for name, value in schema.get("properties", {}).items():
        yield Key(name, name in schema["required"], _value(value), value["description"])


def _value(schema: dict[str, Any]) -> str:
    """What may stand there. null, which means the same as nothing at all, is left out."""
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"] if value is not None)
    if "type" not in schema:
        return "anything"
    kinds = [schema["type"]] if isinstance(schema["type"], str) else [kind for kind in schema["type"] if kind != "null"]
    return " or ".join(f"{kind} of {schema['items']['type']}s" if kind == "array" else kind for kind in kinds)
