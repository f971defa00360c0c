"""The brokers' door: certificates, declarations, check notes and documents."""
