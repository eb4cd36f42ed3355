"""Lambda functions that do the same at `$connect`: record the connection."""
