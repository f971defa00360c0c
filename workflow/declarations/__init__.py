"""The declaration (报关单): read, filed, examined, released."""
