"""How people and machines steer Baton: a console that speaks RESP, so that ``redis-cli`` is its terminal.

console
    connections: accepting, cutting requests, answering in turn, outliving bad ones
commands
    what can be asked, as a table
docs
    that table once more, for redis-cli's own help
handshake
    what client libraries and redis-cli say before they ask
encoding
    replies as bytes, in RESP2 or RESP3
operator
    what the console needs from the rest of the proxy
"""
