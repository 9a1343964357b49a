"""Tests, room by room as in proxy/; the real servers and the real proxy are in servers.py and baton.py."""
