"""Mail of the past in files: mboxes, maildirs, single mails."""
