"""The command line: what ``baton`` can do, verb by verb.

    verbs           start here: the table of the verbs, and how a mistake is told
    exits           how a verb ends: exit statuses, and the failures that have one
    reaching        the connection to a running baton, by redis-py, and where it is to be reached
    reading         what the console answers, made into values
    addresses       of nodes, on the command line
    writing         what is written on stdout: tables for people, JSON for machines
    serving         serve
    switching, steps, report      switchover: asked for, shown as it happens, and what it did
    checking        check
    asking          status, nodes, history
    listing         clients
    gating          hold, release
    watching, picture, sparkline  watch: asked each second, drawn
    setting         config check, config show
    completing      completion
    demonstrating   demo, which is in ``demo/``, on what is in ``stage/``

A verb is a function that returns its exit status. It is imported when it is asked for, so that ``baton
serve`` does not wait for what only the others need.
"""
