"""How mail is fetched: the line to an IMAP server, and folders that are followed."""
