"""The papers' experiments as data: what is trained on what, how, and what it is compared with."""

from __future__ import annotations

#: LIVECell development split: these wells are tested on and never trained on, so that results
#: compare.  The first five are real (17 of the images in use); S4 is the well of the synthetic
#: set's test part, one for each line.
LIVECELL_TEST_WELLS = (
    "A172_Phase_B7", "BT474_Phase_D3", "Huh7_Phase_A12", "MCF7_Phase_H4", "SKOV3_Phase_E4",
    "A172_Phase_S4", "BT474_Phase_S4", "BV2_Phase_S4", "Huh7_Phase_S4", "MCF7_Phase_S4",
    "SHSY5Y_Phase_S4", "SkBr3_Phase_S4", "SKOV3_Phase_S4",
)  # fmt: skip
