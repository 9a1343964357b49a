"""The console: the proxy asked and steered in RESP, by redis-cli or any client library."""
