"""Small files that once were found to do harm, or could: kept in tests/corpus/KIND/, and tried in every run."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "corpus"


def inputs(kind: str) -> dict[str, bytes]:
    """The inputs of one kind by their names: `bodies`, or `streams`."""
    found = {path.name: path.read_bytes() for path in sorted((FOLDER / kind).iterdir())}
    assert found
    return found
