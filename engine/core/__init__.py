"""What a method is, and what it sees of the world while it runs."""
