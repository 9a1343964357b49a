"""The bench: what Baton costs, beside its peers and what Redis can do alone, in one and the same run.

    __main__      start here: arguments, exit code
    run           the parts in order, and what they share
    ways          the ways to Redis that are compared: straight, Baton's two, and the peers
    peers         HAProxy, twemproxy and Envoy: where they are, how they are set up and started
    throughput    every workload down every way: requests a second, their p50 and p99, CPU time
    workloads     what those are
    latency       one client's round trip, and what a proxy adds to it
    memory        resident bytes of idle clients, and growth over many switchovers
    hold          the clients' wait in a switchover, beside Redis's FAILOVER and the floor
    switching     one switchover, asked for and waited for
    watched       what metrics, HTTP and logs cost, and whether a scrape is felt
    redis_alone   FAILOVER, and the bare sequence of commands without a proxy and without load
    crowd         a process that is many clients, idle, busy or saturating, and dialogues what they say;
                  crowds is how the bench sees it
    usage, files  CPU time and memory of a process; how many clients the limit on open files allows
    sizes         how much of everything is measured
    figures       samples, spreads and ratios as values, and as JSON
    goals         what is to be reached
    grids         the results as tables of text; table shows them on a terminal
    page          docs/performance.md; pictures says what is drawn for it, and drawing how

Nothing is asserted: a machine that is busy with something else is no failure. What is compared is measured
in turns, a bit of each in every round, so that the noise falls on all alike; a ratio between two ways is the
median of the rounds' ratios, not the ratio of two medians.
"""
