"""How a page does: what Meta says of token, permissions, subscription, webhook, app and version, and what we set right.

The states of a page, by the codes that lead to them (words in `explained.py`):
well → needs reconnect (token_dead, token_other_app, permission_missing) → well
well → subscription lost (subscription_lost, webhook_lost, webhook_elsewhere) → well; the gap is read back
well → restricted (restricted, blocked_for_policy): only a person ends that
well → slowed down (rate_limited, near_limit): ends by itself
"""
