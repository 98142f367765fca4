"""GAgN: every node of a graph is an agent with a model of its own."""
