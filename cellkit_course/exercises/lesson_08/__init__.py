"""The exercises of lesson 08_your_own_pictures, each in a file of its name."""

LESSON = "08_your_own_pictures"
NAMES = ("diameter", "link", "doubling_time")
