"""The command `piste`: run the embedded stack, look at it, walk the demo."""
