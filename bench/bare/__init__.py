"""The limits: the least that could do the job, run as scripts of their own."""
