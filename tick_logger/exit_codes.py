"""With which number the process ends: one meaning each, for whoever starts it.

Plain numbers, because they go into log lines as they are.
"""

CLEAN = 0
"""Done, and nothing is amiss."""

FOUND = 1
"""There are findings, or what was asked for is not there; or the program crashed."""

USAGE = 2
"""The arguments or the configuration are wrong; nothing was touched."""

STORAGE = 3
"""The disk, or what is on it, does not allow to go on."""

DEADLINE = 4
"""The shutdown deadline passed before everything was done, or it was told not to wait so long."""

INTERRUPTED = 130
"""Ctrl-C where nothing was recorded: 128 and the number of the signal, as shells have it."""
