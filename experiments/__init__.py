"""What is run once to make a number or a file; not in the wheel."""
