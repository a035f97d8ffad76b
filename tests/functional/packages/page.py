"""What doc/install.md tells people to type."""

from tests.functional.docs.pages import read_page

PAGE = "doc/install.md"


def commands(step: str) -> list[str]:
    """Those of the block with the word `step=`."""
    (block,) = [block for block in read_page(PAGE).blocks if block.value("step") == step]
    return [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]
