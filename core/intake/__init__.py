"""From bytes to landed tables: archives, file sets, manifests, headers, line ends. What is landed is as received."""
