"""The release decision and the papers that come of it."""
