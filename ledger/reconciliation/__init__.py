"""The database held against chain and evidence log, and rebuilt from them."""
