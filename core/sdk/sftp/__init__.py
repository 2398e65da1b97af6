"""What connectors and sinks share that reach an SFTP server: a connection to the pinned one, and its faults in our words."""
