"""Asks venues by REST, each at its own pace."""
