"""Fits a page to the site: it is also read as it is, in the repository, and must look right there.

* `<a id="x"></a>`, which every viewer of Markdown knows, becomes a target that Sphinx can check links against.
* Links to files outside of the folder of pages that have a page on the site lead there.
* Of a session in several terminals each block has its terminal's name above it.
* A block `{generated}` becomes what `markdown` writes under the name that it has.
"""

import re

from tools.reference.markdown import generated

# Files of the repository, as pages link to them, and the page that shows them.
PAGES = {
    "../README.md": "index.md",
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../benchmarks/README.md": "benchmarking.md",
}

_ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>$', re.MULTILINE)
_LINK = re.compile(rf"\]\(({'|'.join(map(re.escape, PAGES))})(?=[)#])")
_TERMINAL = re.compile(r"^```console (?:.* )?terminal=([\w-]+).*\n", re.MULTILINE)
_GENERATED = re.compile(r"^```\{generated\} ([\w-]+)\n(?:.*\n)*?```$", re.MULTILINE)


def fit_to_site(text: str) -> str:
    text = _GENERATED.sub(lambda match: generated(match[1]), text)
    text = _TERMINAL.sub("```{code-block} console\n:caption: \\1\n\n", text)
    text = _ANCHOR.sub(r"(\1)=", text)
    return _LINK.sub(lambda match: f"]({PAGES[match[1]]}", text)


def raise_headings(text: str) -> str:
    """What is taken out of the README stands below the title of a page, not below a section of the README."""
    return text.replace("\n### ", "\n## ")
