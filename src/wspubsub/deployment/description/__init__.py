"""A deployment as the rules see it, with UNKNOWN for what only AWS knows.

Nothing here says where it was read, so that one rule can judge a template and a live
account.
"""
