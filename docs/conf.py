"""How Sphinx builds this documentation: `sphinx-build -n -W -b html docs OUT`."""

import runpy
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.domains.python import PyObject

import wspubsub

project = "wspubsub"
author = "the wspubsub authors"
project_copyright = "2026, the wspubsub authors"
release = version = wspubsub.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}

# Docstrings write code in single backticks, as Markdown does.
default_role = "code"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# No intersphinx: the build needs no network. What is not ours is not linked.
_NOT_OURS = r"(collections\.abc|contextlib|logging|pathlib|typing)\..*"
nitpick_ignore_regex = [("py:.*", _NOT_OURS)]
# "The same function that came in": a type variable, with nothing to say about it.
nitpick_ignore = [
    ("py:class", "wspubsub.router.HandlerT"),
    ("py:class", "wspubsub.pubsub.rules.RuleT"),
    ("py:class", "ssl.SSLContext"),
    ("py:class", "FieldType"),  # written out in what it says
    # Ports between the library's own parts.
    ("py:class", "wspubsub.eventsources.joining.Joiner"),
    ("py:class", "wspubsub.faults.faults.Fault"),
    ("py:class", "wspubsub.outgoing.Fanout"),
    ("py:class", "wspubsub.pubsub.registration.MakeLog"),
    ("py:class", "wspubsub.subscriptions.members.MemberStore"),
    ("py:class", "wspubsub.fanout.queue.QueueClient"),
]

html_theme = "furo"
html_title = f"wspubsub {release}"
html_static_path = ["_static"]
html_extra_path = ["llms.txt"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "tango"
pygments_dark_style = "monokai"


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("source-read", _insert_modules)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.connect("autodoc-process-signature", _without_factories)


def _insert_modules(_app: Sphinx, page: str, source: list[str]) -> None:
    if page == "explanation/architecture":
        script = Path(__file__).parents[1] / "scripts/list-modules"
        tables = runpy.run_path(str(script))["list_modules"]()
        source[0] = source[0].replace("<!-- modules -->", tables)


def _without_factories(
    _app: Sphinx,
    _what: str,
    _name: str,
    _obj: object,
    _options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    # A dataclass writes `<factory>` there, which is not an expression.
    return signature and signature.replace("<factory>", "..."), returns
