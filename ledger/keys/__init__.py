"""Keys and signatures: three kinds of signer, roles, software keys and passkeys."""
