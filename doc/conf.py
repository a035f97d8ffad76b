"""Settings of Sphinx for this folder. `make docs` builds the pages into build/docs."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "doc" / "_ext")]

from gearhorn import __version__  # noqa: E402

project = "gearhorn"
author = "The gearhorn engineers"
project_copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "house"]
exclude_patterns = ["_ext", "_static"]

# Every link is held to a target that exists, every name to something that is documented: see also `-n -W` in tox.ini.
nitpicky = True
nitpick_ignore_regex = [
    # Of other projects, whose inventories only the internet has.
    ("py:.*", r"(?!gearhorn\.).*"),
    # Of the inside of the package: what the command line gives, and nobody else has to.
    ("py:class", r"gearhorn\.(net|names)\..*"),
]

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

default_role = "code"
smartquotes_action = "q"  # no dashes: they are options

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = False

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"gearhorn {version}"
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    # The fonts of the reader's machine; nothing is fetched from elsewhere.
    "light_css_variables": {"color-brand-primary": "#1d5fa8", "color-brand-content": "#1d5fa8"},
    "dark_css_variables": {"color-brand-primary": "#7db4f0", "color-brand-content": "#7db4f0"},
}
