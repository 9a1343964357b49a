"""redis-py, asyncio: `python -m scripts.baton_clients.redis_asyncio HOST PORT`."""
