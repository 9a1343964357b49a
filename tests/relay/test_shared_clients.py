"""What becomes of the clients of a shared lane that dies, of those who go, and of those who need another."""

from proxy.relay.reactor import IN
from proxy.wire.encoding import command
from tests.relay.crowd import Crowd, fence_of, get, value


def test_only_those_to_whom_it_owed_something_die_with_a_lane(crowd: Crowd) -> None:
    """What was gathered and has not been sent dies with it: nobody knows that."""
    crowd.say({0: get(0), 1: get(1)})
    crowd.says(2, get(2))
    crowd.links[0][1].close()
    crowd.lane.ready(IN)
    assert crowd.all_heard() == [b"<end>"] * 3 + [b""]
    assert crowd.wants_connection, "for whoever is left"
    crowd.connect()
    assert crowd.turn() == b"" and not crowd.lane.owes


def test_who_is_left_goes_on_over_another_connection_in_its_order(crowd: Crowd) -> None:
    crowd.say({0: get(0)})
    crowd.links[0][1].close()
    crowd.lane.ready(IN)
    crowd.says(3, get(3))
    crowd.says(3, get(3, 2))
    crowd.connect()
    assert crowd.turn() == get(3) + get(3, 2)
    crowd.answers(value(3) + value(3, 2))
    assert crowd.all_heard() == [b"<end>", b"", b"", value(3) + value(3, 2)]


def test_who_has_gone_has_its_replies_given_to_nobody(crowd: Crowd) -> None:
    fence = fence_of(crowd.say({0: get(0), 1: get(1)}))
    crowd.clients[0].close()
    crowd.answers(value(0) + value(1) + fence)
    assert crowd.all_heard() == [b"<end>", value(1), b"", b""] and not crowd.lane.closed
    assert crowd.lane.clients == 3


def test_who_sends_no_more_gets_what_is_owed_over_a_shared_lane(crowd: Crowd) -> None:
    fence = fence_of(crowd.say({0: get(0), 1: get(1)}))
    crowd.apps[0].shutdown(1)
    crowd.clients[0].ready(IN)
    crowd.answers(value(0) + value(1) + fence)
    assert crowd.all_heard() == [value(0) + b"<end>", value(1), b"", b""]


def test_a_command_that_may_not_be_shared_goes_when_nothing_is_owed_and_so_does_what_follows(
    crowd: Crowd,
) -> None:
    fence = fence_of(crowd.say({0: get(0) + command("BLPOP", "k", 0) + get(0), 1: get(1)}))
    assert not crowd.route.wanted
    crowd.answers(value(0) + value(1) + fence)
    lane, node = crowd.lend(0)
    assert node.recv(1000) == command("BLPOP", "k", 0)
    node.sendall(b"*-1\r\n")
    lane.ready(IN)
    assert node.recv(1000) == get(0)
    node.sendall(value(0))
    lane.ready(IN)
    assert crowd.heard(0) == value(0) + b"*-1\r\n" + value(0)
    assert crowd.clients[0].lane is crowd.lane and crowd.lane.clients == 4
    assert crowd.say({0: get(0)}) == get(0)


def test_a_transaction_that_is_whole_goes_in_one_piece_and_one_in_pieces_alone(crowd: Crowd) -> None:
    whole = command("MULTI") + command("SET", "k", 1) + command("EXEC")
    said = b"+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n"
    fence = fence_of(crowd.say({0: whole, 1: get(1)}))
    assert crowd.lane.ledger[0].counts == [3, 1]
    crowd.answers(said + value(1) + fence)
    assert crowd.all_heard() == [said, value(1), b"", b""]
    assert crowd.say({0: command("MULTI")}) == b"" and crowd.route.wanted == [crowd.clients[0]]


def test_the_lane_is_told_from_a_node_that_takes_nothing(crowd: Crowd) -> None:
    """Whoever sends too much is not received from until it does."""
    long = command("SET", "k", "v" * 60_000)
    turns = 0
    while crowd.clients[0].events & IN:
        crowd.says(0, long)
        while crowd.route.reactor.due:
            crowd.route.reactor.due.pop().send_due()
        turns += 1
    assert turns > 16, "it takes a MiB"
    assert crowd.clients[1].events & IN
    got = b""
    while crowd.lane.unsent is not None:
        got += crowd.turn()
        crowd.lane.flush()
    assert got + crowd.turn() == long * turns and crowd.clients[0].events & IN
