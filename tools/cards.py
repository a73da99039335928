"""What each lesson promises, and what its picture in docs/pictures shows; by number."""

#: Lessons beyond the course: in no schedule, and called optional where lessons are listed.
OPTIONAL = ("08",)

PROMISES = {
    "01": "From a folder of pictures to arrays that a network can learn from",
    "02": "Write, train and judge the network that everybody starts with",
    "03": "How many pictures are in one picture, and how strong is too strong?",
    "04": "What a sharper picture brings back, and what it makes up",
    "05": "How coarse may a picture be until a network goes blind?",
    "06": "Which objects, not only which pixels",
    "07": "Take touching cells apart, and count them",
    "08": "From six annotated pictures of yours to label maps, tables and a growth curve",
}
ALT = {
    "01": "Cells, each painted in a colour of its own with a white rim.",
    "02": "Cells found by a network, painted blue.",
    "03": "The same cells, bent and stretched.",
    "04": "Cells, on the left in coarse squares, on the right sharp.",
    "05": "Cells in a blurred picture: blue found, orange missed, pink found where there is none.",
    "06": "Nuclei in a colour of their own, each in its box.",
    "07": "Cells as hills, bright in the middle, each in a colour of its own.",
    "08": "Cells in relief, lit from one side; on the right each found, in a colour of its own.",
}


def promise(number: str) -> str:
    """What a lesson promises; "" where nobody has said so."""
    return PROMISES.get(number, "") + (" (optional)" if number in OPTIONAL else "")
