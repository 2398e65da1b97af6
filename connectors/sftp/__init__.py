"""Files over SFTP: fetched from a district's server, or taken in by a drop box of our own (`syncrun.connectors.sftp.dropbox`)."""
