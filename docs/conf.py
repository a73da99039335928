"""How Sphinx builds the site and a lesson's page; ``tools/site.py`` calls it."""

from tools import address

project = "CellKit"
author = "the authors of CellKit"
copyright = "the authors of CellKit; code BSD-3-Clause, text and figures CC BY 4.0"
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["README.md"]

# Lessons come executed; nothing on a page needs a kernel, and so no script from elsewhere.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["mystnb.unknown_mime_type", "myst.header"]

autodoc_typehints = "none"  # numpydoc's own words say more
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
add_module_names = False

html_theme = "sphinx_book_theme"
html_title = "CellKit"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_css_files = ["course.css"]
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_theme_options = {
    "repository_url": address.repository(),
    "use_repository_button": True,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "logo": {"text": "CellKit"},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": False,
}


def setup(app):
    """Bars in docstrings are sizes of sets, |T|, not substitutions."""
    import re

    def bars(app, what, name, obj, options, lines):
        lines[:] = [re.sub(r"(?<![`\w])\|([^|`]+)\|(?![`\w])", r"\\|\1\\|", line) for line in lines]

    app.connect("autodoc-process-docstring", bars, priority=900)
