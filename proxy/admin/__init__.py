"""The faces of the proxy: how people and machines steer it and watch it. What they ask is in ``operator``."""
