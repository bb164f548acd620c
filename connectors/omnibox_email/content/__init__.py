"""What a mail holds: its tree, its encodings undone, its text and its HTML made harmless."""
