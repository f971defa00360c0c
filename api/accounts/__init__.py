"""The door of everybody: signing in, own keys, the organisation's persons and programs."""
