"""The pictures that are drawn: a switchover, by its table, and a few commands on their way."""

from scripts.baton_docs.drawing import Arrow, Band, Picture
from scripts.baton_docs.sequence import SEQUENCE

SWITCHOVER_CAST = {"clients": "clients", "Baton": "Baton", "A": "A, primary", "B": "B, candidate"}


def switchover() -> str:
    bands = [
        Band(
            title=f"{number}. {step.name}",
            gist=step.gist,
            arrows=[
                Arrow(SWITCHOVER_CAST[message.source], SWITCHOVER_CAST[message.target], message.text)
                for message in step.messages
            ],
            marked=step.held,
            edge=step.name == "promote",
        )
        for number, step in enumerate(SEQUENCE, 1)
    ]
    return Picture(
        title=f"The steps of a switchover: {', '.join(step.name for step in SEQUENCE)}",
        lifelines=dict(zip(SWITCHOVER_CAST.values(), (90, 300, 580, 800), strict=True)),
        bands=bands,
        marked="the hold: all that clients notice",
    ).draw()


def command() -> str:
    ledger = "the ledger: 1 reply to A, 2 to B, then the fence"
    bands = [
        Band(
            "a batch",
            ledger,
            [
                Arrow("client A", "Baton", "GET a"),
                Arrow("client B", "Baton", "GET b, INCR c in one piece"),
                Arrow("Baton", "the primary", "GET a, GET b, INCR c, PING nonce:17"),
                Arrow("the primary", "Baton", "three replies, nonce:17"),
            ],
        ),
        Band(
            "given out",
            "three replies, as owed, and the fence's answer right behind them",
            [
                Arrow("Baton", "client A", "1 reply, as it came"),
                Arrow("Baton", "client B", "2 replies, as they came"),
            ],
        ),
        Band(
            "a private lane",
            "what blocks is not for a shared one",
            [
                Arrow("client B", "Baton", "BLPOP q 0"),
                Arrow("Baton", "the primary", "BLPOP q 0, over a connection of B's own"),
            ],
        ),
        Band(
            "alone",
            "nobody else has sent anything since the last fence, so there is none",
            [
                Arrow("client A", "Baton", "GET a"),
                Arrow("Baton", "the primary", "GET a, down the shared lane"),
            ],
        ),
    ]
    return Picture(
        title="Commands of two clients on their way down a shared lane, and one that needs a lane of its own",
        lifelines={"client A": 90, "client B": 300, "Baton": 520, "the primary": 780},
        bands=bands,
    ).draw()
