"""Where ``split_replies`` was before :mod:`proxy.wire.counting`."""

from proxy.wire.counting import split_replies as split_replies
