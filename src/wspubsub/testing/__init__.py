"""Test tools for applications that are built on wspubsub."""
