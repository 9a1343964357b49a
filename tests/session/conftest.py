"""The sessions are tried on every server version at hand: what they rest on is what differs."""

from tests.binaries import each_in_turn, find_all

redis_binary = each_in_turn(find_all())
