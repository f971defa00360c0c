"""What all doors show of cases, and the routes that every kind of case has: one implementation over the engine."""
