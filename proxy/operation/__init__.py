"""What an operator can do to a route, and see of it: values in, values out. The faces are in ``admin/``."""
