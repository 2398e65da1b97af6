"""The package that a district installs in its PowerSchool: read from one TOML file, written as ZIP archives, and
explained on a page for the district's administrator.

```python
plugin = read(Path("plugin.toml"))
for package in packages(plugin):
    print(package.name, len(package.content))
```

Facts on packages, queries and tables: PowerSchool's developer pages, and plug-ins in public use.
"""

from __future__ import annotations

from syncrun.connectors.powerschool.package.archive import Package, packages
from syncrun.connectors.powerschool.package.page import page
from syncrun.connectors.powerschool.package.plugin import Plugin
from syncrun.connectors.powerschool.package.setting import read

__all__ = ["Package", "Plugin", "packages", "page", "read"]
