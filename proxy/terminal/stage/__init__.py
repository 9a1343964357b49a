"""What the demo and the bench share: real servers, a real proxy before them, and a place to speak.

processes     a child process that never outlives the block that started it; how a run ends early
nodes         redis-server: one primary and its replicas
baton         `baton serve` before them, and what it answers to SWITCHOVER
direct        asking a node without the proxy
screen, columns      lines on a terminal, and figures in columns
"""
