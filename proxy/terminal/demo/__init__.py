"""The demo: real redis-server processes, Baton in front of them, real clients, and switchovers under load.

    run           start here: set the stage, start the load, switch over again and again, verify, report
    loads         the load processes, seen from the demo
    load          one load process, seen from within: a workload, a thread for each of its clients
    clients       a redis-py client with retries off, that counts what goes wrong; tally holds its counts
    values, counters, transactions, queues, channels, pipelines      the six workloads
    verdict       what was lost or doubled, told from histories alone: pure functions
    report, table                                            what was found, and how it is shown

The servers, the proxy and the screen are those of proxy/terminal/stage.

A workload knows what was acknowledged to its clients. When the load has ended it asks the nodes directly,
without the proxy, the primary as well as every replica, and judges:

lost        acknowledged, and not there (or delivered to nobody)
doubled     applied, or delivered, more than once
disconnect  a connection that broke, also where redis-py opened the next one without a word
error       any other error a client saw: an error reply, a time-out, a wrong or misplaced answer

An operation is one command answered, or one message or element delivered. Its wait is the time from asking to
the answer; for an element or a message, from the start of its push or publish (or of the pop, if later) until
it is there: waiting for something to do is not waiting.
"""
