"""Baton: a transparent proxy that moves a Redis primary without its clients noticing.

The words used everywhere, in code, logs, docs and at the console:

client
    a downstream connection: an application talking to the proxy
node
    one Redis server; it is the *primary* or a *replica*
lane
    an upstream connection, proxy to node. A *shared lane* carries the commands of many clients, a *private
    lane* those of one, while its session needs that; a *spare lane* is a private one that nobody has
key
    what all clients of a shared lane have in common: who they are logged in as, protocol, database
batch
    what goes down a shared lane in one send: commands of several clients that came in the same turn
fence
    a PING with a secret nonce behind a batch, whose answer proves that the replies are in step
ledger
    what a lane owes: to whom how many replies, in the order of the commands
session
    what a client has set up on its connection, as a value; it can be re-created on another node
frame
    one whole RESP command or one whole reply, as bytes
gate
    open: commands flow. Closed: whole commands wait in the proxy, replies still flow
hold
    the time that the gate is closed; what a client notices of a switchover
candidate
    the replica that is to become primary
switchover
    planned, both nodes alive. A *failover* is unplanned: the primary is gone
route
    a primary, its replicas, and all that hangs off them: gate, lanes, clients

The map. Arrows point one way only; ``tests/test_house.py`` keeps it true::

    cli, app            start here: the entry, and the one nursery that owns every task
    settings, config    what may be set, and how it is read; ``kinds`` are the shapes of the values
    wire/               what the bytes mean                            knows nobody
    session/            one client's conversation, pure                knows wire
    switchover/         the story told once; owns no socket            knows nobody
    telling/            the events, and how they are written down      knows nobody
    transport/          the way to a socket: plain, TLS, Unix          knows nobody
    nodes/              what Redis is told and asked                   knows wire, facts, telling, transport
    relay/              how the bytes flow; does what the story asks   knows the six above
    operation/          what an operator can do to a route             knows relay and all below
    admin/              the faces of that: console, HTTP, metrics      knows operation
    terminal/           the command line, which talks to a console     knows settings, and app to serve
"""
