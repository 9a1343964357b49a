"""One client's conversation as a pure machine, and what must be replayed on another node.

Knows :mod:`proxy.wire`; imports no trio, holds no socket, reads no clock, writes no log. It is asked what to
do with a command (:func:`proxy.session.table.ask`) and answers with steps; it is shown the replies that it
wanted to see. What has no row in the table is forwarded as it came and owes one reply.
"""
