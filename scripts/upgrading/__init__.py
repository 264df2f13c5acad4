"""From one installed version to another, and back if the other does not record."""
