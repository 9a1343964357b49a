"""Metrics as Prometheus reads them: ``families`` is the table of all there are, ``rendering`` writes them.

:func:`render` gives the body of /metrics, :func:`content_type` its header; :func:`as_table` is for the page
of the documentation.
"""

from proxy.admin.metrics.families import FAMILIES, Family
from proxy.admin.metrics.rendering import content_type, render
from proxy.admin.metrics.writing import as_table

__all__ = ["FAMILIES", "Family", "as_table", "content_type", "render"]
