"""What the site needs beyond Sphinx: pages that are fitted to it, and drawn pictures in the colours of the page."""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from tools.reference.fitting import fit_to_site, raise_headings


def _on_source_read(_app: Sphinx, _page: str, source: list[str]) -> None:
    source[0] = fit_to_site(source[0])


def _on_include_read(_app: Sphinx, path: Path, _page: str, source: list[str]) -> None:
    """The path is the file's, as seen from this folder."""
    if path.as_posix().removeprefix("../") == "README.md":
        source[0] = raise_headings(source[0])
    source[0] = fit_to_site(source[0])


def _on_doctree_resolved(app: Sphinx, doctree: nodes.document, _page: str) -> None:
    """A picture that is an image of its own would not know whether the reader has chosen light or dark."""
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir) / image["uri"]
        if path.suffix == ".svg" and path.parent.name == "pictures":
            drawing = path.read_text(encoding="utf-8")
            image.replace_self(nodes.raw("", f'<div class="picture">{drawing}</div>', format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _on_source_read)
    app.connect("include-read", _on_include_read)
    app.connect("doctree-resolved", _on_doctree_resolved)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
