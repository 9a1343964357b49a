"""The Lua that the client programs run."""

APPEND = """
redis.call('RPUSH', KEYS[1], ARGV[1])
return redis.call('INCR', KEYS[2])
"""
"""Appends a number to a list and counts: two writes in one."""

FUNCTION = """#!lua name=LIBRARY
redis.register_function('LIBRARY_append', function(keys, arguments)
  redis.call('RPUSH', keys[1], arguments[1])
  return redis.call('INCR', keys[2])
end)
"""
"""The same as a function; LIBRARY stands for a name of the program's own."""

HAS_FUNCTIONS = (7, 0)
"""The first Redis with functions and sharded channels."""
