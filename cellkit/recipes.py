"""The papers' experiments as data: what is trained on what, how, and what it is compared with."""

from __future__ import annotations

#: LIVECell development split: these wells are tested on and never trained on, so that results
#: compare.  The first five are real (17 of the images in use); the last row belongs to the
#: synthetic set, whose test part has wells of its own for all eight lines.
LIVECELL_TEST_WELLS = (
    "A172_Phase_B7", "BT474_Phase_D3", "Huh7_Phase_A12", "MCF7_Phase_H4", "SKOV3_Phase_E4",
)  # fmt: skip
