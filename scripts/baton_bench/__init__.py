"""The bench: what Baton costs, beside HAProxy and what Redis can do alone, in one and the same run.

    __main__      start here: arguments, exit code
    run           the parts in order, and what they share
    hold          the clients' wait in a switchover, beside Redis's FAILOVER and the floor
    switching     one switchover, asked for and waited for
    redis_alone   FAILOVER, and the bare sequence of commands without a proxy and without load
    throughput    redis-benchmark against Redis, Baton and HAProxy in turn, and the CPU that it takes
    latency       one client's round trip, and what a proxy adds to it
    memory        resident bytes of idle clients, and growth over many switchovers
    targets       what is measured side by side: Redis itself and the proxies in front of it
    crowd         a process that is many clients: busy, saturating or idle; crowds is how the bench sees it
    usage         CPU time and resident memory of a process, and the limit on open files
    sizes         how much of everything is measured
    figures       spreads, ratios and results as values
    table         how they are shown

Nothing is asserted: a machine that is busy with something else is no failure. What is compared is measured
in turns, a bit of each in every round, so that the noise falls on all alike; a ratio between two targets is
the median of the turns' ratios, not the ratio of two medians.
"""
