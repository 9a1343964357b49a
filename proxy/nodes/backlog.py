"""Reading what a primary has sent to its replicas, to prove that it holds no data.

A primary keeps the tail of its replication stream in the backlog, and gives it to whoever asks by PSYNC from
a place that the backlog covers. From another place it would begin a full resync: so INFO is read first, on
the same connection, and ``capa eof`` lets a diskless primary wait with its fork (repl-diskless-sync-delay)
until we have seen ``+FULLRESYNC`` coming and gone.

While it reads, the connection counts as a replica. Where min-replicas-to-write is not met, it would let
writes through: pause them first.
"""

from proxy.nodes.link import Link
from proxy.nodes.node import Node
from proxy.nodes.parsing import parse_info
from proxy.switchover.facts import PING_BYTES, PROVABLE_BYTES, Standing

PURPOSE = "backlog"


async def find_more_than_pings(node: Node, standing: Standing, first: int) -> str:
    """Return "" if the stream of `node` from byte `first` on is PINGs alone, else why that is not proven.

    `standing` is who the node is, and where the stream ends. The caller sets a deadline.
    """
    count, rest = divmod(standing.offset - first + 1, PING_BYTES)
    if rest or count * PING_BYTES > PROVABLE_BYTES:
        return f"{standing.offset - first + 1} bytes are more than PINGs"
    with await node.open_link(PURPOSE) as link:
        why = await _find_uncovered(link, standing, first)
        return why or await _read(link, standing.replid, first, count)


async def _find_uncovered(link: Link, standing: Standing, first: int) -> str:
    await link.call("REPLCONF", "capa", "eof", "capa", "psync2")
    info = parse_info(await link.call("INFO", "replication"))
    begin, length = int(info["repl_backlog_first_byte_offset"]), int(info["repl_backlog_histlen"])
    if info["role"] != "master" or info["master_replid"] != standing.replid:
        return f"{link.address} changed meanwhile"
    if info["repl_backlog_active"] != "1" or not begin <= first <= standing.offset < begin + length:
        return f"the backlog of {link.address} does not go back to byte {first}"
    return ""


async def _read(link: Link, replid: str, first: int, count: int) -> str:
    asked = link.post(("PSYNC", replid, first))
    # What follows the answer is the stream, which hiredis cuts into commands as if they were replies.
    stream = [link.post(replies=1) for _ in range(count)]
    [answer] = await link.wait(asked)
    if not (isinstance(answer, bytes) and answer.startswith(b"CONTINUE")):
        return f"{link.address} does not continue at byte {first}: {answer!r}"
    for pending in stream:
        [words] = await link.wait(pending)
        if not (isinstance(words, list) and len(words) == 1 and words[0].upper() == b"PING"):
            return f"{link.address} has written since: {words!r:.100}"
    return ""
