"""The benchmark: a load generator, the clients it is measured with, and the report."""
