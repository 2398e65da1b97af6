"""Sinks that publish files, whole but for what is in them: to a folder or an SFTP server, all at once or not at all."""
