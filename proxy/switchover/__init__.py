"""The story told once: what a switchover is, what must hold before it, what it reports. Owns no socket.

``story`` is the sequence, ``stage`` the verbs that it needs, ``preflight`` the checks, ``succession`` what a
proxy concludes after a crash, ``report`` and ``errors`` how it ends.
"""
