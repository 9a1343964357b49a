"""A warm lane that is lost before the hold is opened again, so that its subscriber is carried."""

import threading
from collections.abc import Callable

from tests.baton import BatonProcess
from tests.servers import Pair

SUBSCRIBERS = 300


def test_a_subscriber_whose_warm_lane_is_lost_is_warmed_again(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(pair.primary, pair.replica)
    clients = [proxy.raw() for _ in range(SUBSCRIBERS)]
    for client in clients:
        client.sendall(b"SUBSCRIBE c\r\n")
        assert client.recv(100)
    killed = threading.Event()

    def kill_the_oldest() -> None:
        node = pair.replica.client()
        while not killed.is_set():
            lanes = [each for each in node.client_list(_type="pubsub")]
            if len(lanes) > 5:
                pair.replica.command("CLIENT", "KILL", "ID", lanes[0]["id"])
                killed.set()

    killer = threading.Thread(target=kill_the_oldest)
    killer.start()
    report = proxy.switchover()
    assert killed.is_set(), "too late: the lanes were all warm at once"
    killer.join()
    assert report["outcome"] == "done"
    assert int(report["clients_closed"]) == 0
