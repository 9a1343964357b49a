"""The soak: a mixed load that comes and goes, switchovers without end, faults now and then, for a given time.

    run           start here: set the ground, let everybody in, operate, let everybody leave, judge
    ground        the nodes, the proxy before them, and what is asked of its console
    operating     a switchover every few seconds, and between two of them now and then a fault
    faults        the faults, none of which may cost a client anything
    callers       one connection that counts what goes wrong, and the party of those who have one
    residents, keepers    clients that stay from the first to the last
    visits        clients that come, do one thing and go; `rude` has those that go without a word
    onlookers     visitors of the console, scrapes, readers of the page
    shifts        the demo's redis-py clients and the chaos crew, in shifts; `crew` is one of those, a process
    book          what was counted, row by row, and what was wrong
    samples, growth     what the proxy takes, again and again; what is growth and what is noise
    report, table       what was found, and how it is shown

A client knows what was acknowledged to it, so each judges what it did by itself and leaves nothing behind:
the run may last for as long as one likes.

lost        acknowledged, and not there (or delivered to nobody)
doubled     applied, or delivered, more than once
disconnect  a connection that broke or fell silent, of a client that had done nothing wrong
error       any other thing that Redis itself would not have answered

Growth is judged twice: exactly, when everybody has left (no client, no reply owed, as many tasks as in the
beginning, no descriptor more than connections), and statistically, of what is taken under load.
"""
