"""What the networks have to be compared with."""
