"""AWS as far as a fan-out meets it, on a clock that costs no time."""
