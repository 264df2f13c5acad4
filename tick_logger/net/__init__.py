"""From sockets to frames: dial, frame tap, connections, discovery.  The only part that talks to venues."""
