"""What the site needs beyond Sphinx: our pages are also read as they are, in the repository, and must look right there.

* `<a id="x"></a>`, which every viewer of Markdown knows, becomes a target that Sphinx can check links against.
* Links to files outside of this folder that have a page on the site lead there.
* A block `{generated}` becomes what tools/reference writes under the name that it has.
* Drawn pictures become a part of the page, and take its colours.
* What is taken out of the README has headings of the second level below the page's title, whatever they are there.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from tools.reference.markdown import generated

# Files of the repository, as pages here link to them, and the page that shows them.
PAGES = {
    "../README.md": "index.md",
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../benchmarks/README.md": "benchmarking.md",
}

ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>$', re.MULTILINE)
LINK = re.compile(rf"\]\(({'|'.join(map(re.escape, PAGES))})(?=[)#])")

GENERATED = re.compile(r"^```\{generated\} ([\w-]+)\n(?:.*\n)*?```$", re.MULTILINE)


def fit_to_site(text: str) -> str:
    text = GENERATED.sub(lambda match: generated(match[1]), text)
    text = ANCHOR.sub(r"(\1)=", text)
    return LINK.sub(lambda match: f"]({PAGES[match[1]]}", text)


def raise_headings(text: str) -> str:
    return text.replace("\n### ", "\n## ")


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
