"""From sockets to frames: dial, frame tap, connections, discovery.

The only part of the program that talks to exchanges.
"""
