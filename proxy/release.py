"""Which Baton this is."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("redis-baton")
    except PackageNotFoundError:  # run from a source tree
        return "unreleased"


VERSION = _installed()
