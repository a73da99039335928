"""The eight cell lines of LIVECell, in numbers chosen with real pictures beside them."""

from __future__ import annotations

from dataclasses import dataclass

FIELD = (520, 704)  # height and width of a LIVECell picture


@dataclass(frozen=True)
class Line:
    """How the cells of one line look: lengths in pixels of a 704 x 520 field, grey in 8 bits.

    Pairs are (early, late): a well is somewhere between the first hours after seeding and the
    last day, when the cells have spread and multiplied.
    """

    count: tuple[int, int]  # cells in a whole field
    area: float  # median area of a cell
    spread: float  # of the area from cell to cell: standard deviation of its logarithm
    elongation: float = 1.3  # median ratio of long to short axis
    wobble: float = 0.05  # how uneven the outline is, in radii
    corners: float = 0.8  # mean number of pulled-out corners or protrusions of a cell
    reach: float = 0.5  # how far they stick out, in radii
    sharp: float = 0.35  # how wide they are at the foot, in radians
    island: float = 5  # mean number of cells that hang together
    packing: float = 0.8  # distance of neighbours, in sums of their radii
    round: tuple[float, float] = (0.15, 0.05)  # share of cells rounded up, on top of the others
    faint: float = 0.15  # share of cells so flat that they hardly show
    height: float = 15  # optical thickness of a spread cell near its edge, in grey
    skirt: float = 0.25  # outer part of a spread cell that is thin and smooth, in radii
    grain: float = 14  # fine texture, standard deviation in grey
    granules: float = 0.1  # share of pixels that hold a vesicle or droplet
    vesicle: float = 55  # how strong these are, in grey
    contrast: float = 0.35  # spread of thickness and texture from cell to cell (of the logarithm)
    nucleus: float = 0.4  # radius of the nucleus, in radii of the cell
    dirt: float = 20  # specks of debris in a whole field
    rubble: float = 3  # heaps of debris, grainy as cells are
    fibres: float = 1  # threads of debris in a whole field


#: The eight lines of LIVECell.
LINES: dict[str, Line] = {
    # Glioblastoma: spread, pulled into corners, full of granules; later in streams.
    "A172": Line(count=(65, 260), area=820, spread=0.45, elongation=1.6, wobble=0.06, corners=2.5,
                 reach=1.1, packing=0.82, round=(0.12, 0.03), height=18, skirt=0.3, grain=18,
                 granules=0.15, vesicle=80, nucleus=0.35),
    # Breast: islands of small polygons, some thick, in a scatter of specks.
    "BT474": Line(count=(110, 300), area=600, spread=0.4, elongation=1.25, island=14, packing=0.7,
                  round=(0.2, 0.06), height=18, skirt=0.15, grain=16, granules=0.12, vesicle=60,
                  contrast=0.3, nucleus=0.45, dirt=160, rubble=12, fibres=3),
    # Microglia: small, round and bright, many in pairs.
    "BV2": Line(count=(80, 600), area=185, spread=0.22, elongation=1.1, wobble=0.05, island=2.5,
                packing=0.98, round=(0.97, 0.95), faint=0, grain=18, vesicle=45, contrast=0.25,
                dirt=15, fibres=2),
    # Liver: very large and flat, granules around the nucleus, a nearly invisible skirt.
    "Huh7": Line(count=(50, 95), area=1500, spread=0.65, elongation=1.2, wobble=0.07, corners=0.5,
                 reach=0.3, island=7, packing=0.74, round=(0.15, 0.06), faint=0.35, height=7,
                 skirt=0.45, grain=12, granules=0.12, vesicle=60, contrast=0.5, nucleus=0.33,
                 dirt=60, rubble=8, fibres=8),
    # Breast: crowded sheets of very small cells.
    "MCF7": Line(count=(130, 1200), area=330, spread=0.35, wobble=0.05, reach=0.4, island=25,
                 packing=0.72, round=(0.6, 0.05), height=26, skirt=0.08, grain=20, vesicle=75,
                 contrast=0.3, nucleus=0.5, dirt=25),
    # Neuroblastoma: small spindles and stars with long thin protrusions.
    "SHSY5Y": Line(count=(170, 420), area=340, spread=0.5, elongation=2.2, corners=5, reach=4,
                   sharp=0.12, island=12, packing=0.95, round=(0.4, 0.03), height=22, skirt=0.08,
                   grain=13, granules=0.06, vesicle=55, nucleus=0.45, dirt=10),
    # Breast: mostly round with a bright ring, a few flat ones between.
    "SkBr3": Line(count=(170, 260), area=320, spread=0.33, elongation=1.15, wobble=0.05, island=3,
                  packing=0.98, round=(0.85, 0.75), faint=0.3, height=22, skirt=0.1, grain=16,
                  contrast=0.3, dirt=50),
    # Ovary: large, flat, faint, with ruffles; a few bright round ones on top.
    "SKOV3": Line(count=(50, 110), area=1400, spread=0.6, elongation=1.4, wobble=0.1, corners=1,
                  reach=0.8, island=3, packing=0.82, round=(0.2, 0.06), faint=0.3, height=10,
                  skirt=0.35, grain=9, granules=0.07, vesicle=45, contrast=0.5, fibres=2),
}  # fmt: skip
