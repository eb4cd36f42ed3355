"""What wspubsub costs, side by side with what people use today.

Run one from the repository's root with `python -m benchmarks NAME`.
"""
