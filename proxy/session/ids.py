"""The ids of clients: the proxy's own, which stay valid when the lanes change."""

IDS_FROM = 1 << 40
"""A client's id is this and its number; no node gives out ids as high."""
