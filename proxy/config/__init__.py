"""Reading the settings: defaults < the TOML file < environment ``BATON_…`` < flags.

All mistakes are gathered, so that they can be mended at once; each begins with its place. Every layer is
checked whole, also where another one overrides it. What may be set is declared in ``settings``.
"""

from proxy.config.reading import load, read
from proxy.config.together import check_together
from proxy.config.values import Given, Mistake, Reading, SettingsError
from proxy.settings import Settings

__all__ = [
    "Given",
    "Mistake",
    "Reading",
    "Settings",
    "SettingsError",
    "check_together",
    "load",
    "read",
]
