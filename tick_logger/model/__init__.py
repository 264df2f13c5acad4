"""The words of the domain: instruments, tables, rows.  Imports nothing else of the project."""
