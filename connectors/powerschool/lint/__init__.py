"""Looks at a plug-in package as PowerSchool will, and at its queries as their author should: every rule has a code.

```python
for remark in lint(Path("plugin.zip")):
    print(remark.rule.code, remark.file, remark.line, remark.words)
```
"""

from __future__ import annotations

from syncrun.connectors.powerschool.lint.look import lint, lint_bytes
from syncrun.connectors.powerschool.lint.rule import RULES, Level, LintRule, Remark

__all__ = ["RULES", "Level", "LintRule", "Remark", "lint", "lint_bytes"]
