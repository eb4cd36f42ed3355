"""What fails on request in `wspubsub dev`: posts, functions, and the table.

Begin with `shaking`, which passes the rules to whoever obeys them.
"""
