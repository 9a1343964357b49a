"""The way to a socket, for clients, lanes and control links alike: plain, TLS, Unix.

Above it nobody knows what is spoken over a connection. It knows nobody.
"""
