"""What may be set: each setting is declared here once, with its default, its places and its meaning.

The flags of the command line, the reading in ``config`` and the annotated example in ``configs/`` follow
these declarations. Units (bytes, ms, s) are last in the names. What a value looks like is told in ``kinds``.
"""

from proxy.settings.limits import LIMITS
from proxy.settings.nodes import NODES
from proxy.settings.ports import PORTS
from proxy.settings.setting import Setting
from proxy.settings.values import BUDGET_MAX_MS, PASSWORDS, Settings

SETTINGS = {**PORTS, **NODES, **LIMITS}
"""By the name of the field in `Settings`."""

__all__ = ["BUDGET_MAX_MS", "PASSWORDS", "SETTINGS", "Setting", "Settings"]
