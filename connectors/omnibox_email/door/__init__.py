"""How mail is handed to us: the listener for LMTP and SMTP."""
