"""Hand out a lesson with nbgrader, and grade what comes back.

``handout`` writes a lesson into an nbgrader course folder; ``collect`` finds what came back;
``sandbox`` runs a submission apart; ``grade`` gives points; ``books`` keeps them as csv, also for
Moodle and Canvas; ``feedback`` makes what goes back to students.  ``__main__`` is the command line;
INSTRUCTORS.md says how to use it, and what the isolation does not give.
"""
