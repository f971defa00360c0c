"""Documents of a case: taken in, stored once, read."""
