"""What builds, grades and publishes the lessons; not in the wheel."""
