"""The templates of the pages, in which every text is escaped for where it goes: HTML, Markdown (MyST) or a URL.

Pages are Markdown with blocks of HTML in fences of backticks. Texts come from records and file names, which anybody may
have written: none may end its fence, and so reach the builder, whose directives read files.
"""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

PUNCTUATION = re.compile(r"([!-/:-@[-`{-~])")


def page_templates() -> Environment:
    """The templates: {{ text }} is HTML, | myst stands in a line of Markdown, | urlencode in a URL."""
    templates = Environment(
        loader=PackageLoader("mmlib.site"),
        autoescape=True,
        finalize=_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["myst"] = myst
    templates.filters["heading"] = heading
    return templates


def _html(value: object) -> Markup:
    """As HTML without a backtick, of which a fence consists; Markup is what a filter has escaped already."""
    return value if isinstance(value, Markup) else Markup(str(escape(value)).replace("`", "&#96;"))


def myst(text: object) -> Markup:
    """``text`` as it is in one line of Markdown: nothing in it is markup."""
    return Markup(PUNCTUATION.sub(r"\\\1", " ".join(str(text).split())))


def heading(text: str) -> Markup:
    """The title of an executed notebook, one line of the Markdown that its own page shows: formulas stay formulas."""
    return Markup(" ".join(escape(text).split()))
