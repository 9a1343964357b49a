"""HTTP: probes, metrics, the API as JSON, and the page to watch. Start with ``table``: every call stands
there."""
