"""Who answers: agents, their sessions and links, and the one function that decides what they may do."""
