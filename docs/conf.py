"""Settings of Sphinx: `sphinx-build -W -n --keep-going docs docs/_build`."""

from __future__ import annotations

import syncrun

project = "syncrun"
author = "the syncrun authors"
project_copyright = "2026 the syncrun authors"
version = release = syncrun.__version__

extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"syncrun {release}"
html_copy_source = False
