"""What runs on the user's own machine, whichever target is up."""
