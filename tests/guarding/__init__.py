"""Who may steer, who may look, and who the proxy is to its nodes."""
