"""redis-py, synchronous: `python -m scripts.baton_clients.redis_sync HOST PORT`."""
