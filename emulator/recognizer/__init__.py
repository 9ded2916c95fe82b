"""Recognition by two small models, for images without a recorded answer."""
