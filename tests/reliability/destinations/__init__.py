"""Results on their way to destinations whose network or archive fails.

``python -m tests.reliability.destinations`` runs the long form: a destination down for a day with 1,000 studies queued,
and every fault with more of them.
"""
