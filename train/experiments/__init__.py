"""Small honest experiments: the same network, budget and data, one thing changed, several seeds."""
