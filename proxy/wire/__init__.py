"""What the bytes mean: cutting requests, cutting and counting replies, writing commands.

Knows nobody: no socket, no clock, no session.
"""
