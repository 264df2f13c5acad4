"""From a file and the environment to one valid configuration, or to all its errors at once."""
