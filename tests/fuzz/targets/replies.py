"""What a node sends, cut anywhere: the cutter, and all that counts replies, mean the same by it."""

from proxy.wire.replies import BadReply
from tests.fuzz.builds import BUILDS
from tests.fuzz.tape import CUT, pieces
from tests.fuzz.vocabulary import words
from tests.wire.streams import replies_of

WORDS = words("replies")


def throw(data: bytes) -> None:
    bare = data.replace(CUT, b"")
    replies, part, fault, ended = replies_of([bare])
    cut = replies_of(pieces(data))
    assert (cut[0], cut[2:]) == (replies, (fault, ended))
    assert bare.startswith(b"".join(replies) + part) and bare.startswith(b"".join(cut[0]) + cut[1])
    own = [reply for reply in replies if not reply.startswith(b">")]
    counts = {name: counting.count_replies(bare) for name, counting in BUILDS.items()}
    assert len(set(counts.values())) == 1, counts
    if count := counts["python"]:
        assert (count, b"", "", True) == (len(own), part, fault, ended) and own == replies
    splits = {name: split(counting, bare, len(replies) + 1) for name, counting in BUILDS.items()}
    assert len(set(map(str, splits.values()))) == 1, splits
    ends = splits["python"]
    if ends is None:
        behind = bare[len(b"".join(replies)) :]
        assert fault or own != replies or behind.startswith(b">")
    else:
        whole = [bare[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        assert whole == replies[: len(whole)] and (fault or len(whole) == len(replies))


def split(counting: object, data: bytes, count: int) -> list[int] | None:
    """Where each reply ends; None where these are no replies of one to one."""
    try:
        return counting.split_replies(data, 0, [1] * count)  # type: ignore[attr-defined,no-any-return]
    except BadReply:
        return None
