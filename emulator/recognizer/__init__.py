"""Eyes for the stand-in: recognition of its own, for images without a recorded answer."""
