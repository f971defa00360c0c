"""Access to the node: what is asked of it, how far it is believed, the embedded node, calls and events."""
