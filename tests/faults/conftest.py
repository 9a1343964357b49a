"""One version of the server will do to try the roads and wires themselves; the scenes have all in turn."""

from tests.binaries import each_in_turn, find_all

redis_binary = each_in_turn(dict(list(find_all().items())[:1]))
