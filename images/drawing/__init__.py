"""How the sample images are drawn."""
