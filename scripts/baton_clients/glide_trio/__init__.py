"""valkey-glide, whose core is Rust, under trio: `python -m scripts.baton_clients.glide_trio HOST PORT`.

Its client side cache is left out: straight to Redis, too, it keeps an old value when the invalidation comes
right behind the reply.
"""
