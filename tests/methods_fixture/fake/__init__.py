"""A method that is fast and misbehaves on demand: what the tests run through the door."""
