"""What Redis is told and asked.

Start at `node.Node`: one Redis server, and the verbs that it understands. It is reached over a `link.Link`,
a control connection. `promotion.Promotion` asks a candidate until it is known what it became;
`roster.survey` asks all nodes who they are; `probing` and `backlog` find out what only a connection of its
own can; `recovery.finish` completes a switchover that a proxy left half done.
"""
