"""What auditors look up and export."""
