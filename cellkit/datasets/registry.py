"""Where each data set comes from, whose it is, and what one should know of it.

Addresses and hashes are those that public code uses (torch-em, StarDist, the owners' pages); they
were **not** tried from the machine on which this list was written.  A hash is given where one is
known; an archive without one is tested for completeness by its own checksums.
"""

from __future__ import annotations

from dataclasses import dataclass

from cellkit.checks import one_of


@dataclass(frozen=True)
class File:
    """One file to download.

    Attributes
    ----------
    name : str
        Where it goes, below the data set's folder.
    addresses : tuple of str
        The same bytes at several places, in the order in which they are tried.
    size : int or None
        In bytes.
    hash : str or None
        ``"sha256:..."`` or ``"md5:..."``.
    unpack : str or None
        For an archive that is not read packed: the folder below the data set's folder that it
        becomes; the archive is then deleted.
    optional : bool
        Downloaded only if asked for by name.
    """

    name: str
    addresses: tuple[str, ...]
    size: int | None = None
    hash: str | None = None
    unpack: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Source:
    """A data set: its files, and what to say before the first byte."""

    title: str
    owner: str
    licence: str
    citation: str
    size: str
    pixel: str
    odd: str
    files: tuple[File, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.title}\n  owner    {self.owner}\n  licence  {self.licence}\n"
            f"  cite     {self.citation}\n  size     {self.size}\n  pixel    {self.pixel}\n"
            f"  mind     {self.odd}"
        )


_LIVECELL = "http://livecell-dataset.s3.eu-central-1.amazonaws.com/LIVECell_dataset_2021/"
_BROAD = "https://data.broadinstitute.org/bbbc/BBBC038/"
_EMBL = "https://oc.embl.de/index.php/s/"
_EPFL = (
    "https://documents.epfl.ch/groups/c/cv/cvlab-unit/www/data/%20ElectronMicroscopy_Hippocampus/"
)
#: The size splits of LIVECell's training part, small ones first.
SIZE_SPLITS = (
    "0_train2percent", "1_train4percent", "2_train5percent", "3_train25percent", "4_train50percent",
)  # fmt: skip


def _annotations(name, optional=False):
    path = f"annotations/{name}.json"
    return File(path, (_LIVECELL + path,), optional=optional)


SOURCES: dict[str, Source] = {
    "livecell": Source(
        title="LIVECell: phase contrast of eight cell lines, 5,239 images, 1.6 million cells",
        owner="Sartorius and DFKI (Edlund et al.)",
        licence="CC BY-NC 4.0: not for commercial use; credit the authors",
        citation="Edlund et al., LIVECell: A large-scale dataset for label-free live cell "
        "segmentation, Nature Methods 18 (2021), doi 10.1038/s41592-021-01249-6",
        size="images 1.3 GB, all annotations 2.1 GB; images=60 brings 60 images and one json",
        pixel="704 x 520 pixels, 8-bit grey TIFF; polygons in pixels",
        odd="dense clumps were left unannotated; neighbouring outlines overlap a little",
        files=(
            File("images.zip", (_LIVECELL + "images.zip",), unpack="images/whole"),
            *(_annotations(f"LIVECell/livecell_coco_{s}") for s in ("train", "val", "test")),
            *(_annotations(f"LIVECell_dataset_size_split/{s}", True) for s in SIZE_SPLITS),
        ),
    ),
    "dsb2018": Source(
        title="DSB2018 / BBBC038: nuclei of many kinds, 670 + 65 images of stage 1",
        owner="Broad Institute (Caicedo et al.)",
        licence="CC0: public domain",
        citation="Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data "
        "Science Bowl, Nature Methods 16 (2019), doi 10.1038/s41592-019-0612-7",
        size="stage1_train.zip is about 80 MB",
        pixel="256 x 256 to 1040 x 1388 pixels, 8-bit RGBA PNG; one mask a nucleus",
        odd="many tiles were cut from one field: split by group; some clumps are outlined roughly",
        files=(
            File("stage1_train.zip", (_BROAD + "stage1_train.zip",)),
            File("stage1_test.zip", (_BROAD + "stage1_test.zip",)),
            File("stage1_solution.csv", (_BROAD + "stage1_solution.csv",)),
            File(
                "stardist.zip",
                ("https://github.com/stardist/stardist/releases/download/0.1.0/dsb2018.zip",),
                hash="sha256:e44921950edce378063aa4457e625581ba35b4c2dbd9a07c19d48900129f386f",
                optional=True,
            ),
        ),
    ),
    "glas": Source(
        title="GlaS (Warwick-QU): glands of the colon, H&E, 165 images of 16 patients",
        owner="Tissue Image Analytics Centre, University of Warwick",
        licence="research use only, no commercial use; cite the paper",
        citation="Sirinukunwattana et al., Gland segmentation in colon histology images: The GlaS "
        "challenge contest, Medical Image Analysis 35 (2017), arXiv 1603.00275",
        size="as the server says",
        pixel="775 x 522 pixels mostly, 0.62 µm each, 8-bit RGB; gland numbers in 8-bit grey",
        odd="patients are in several parts of the contest; outlines are coarse; at times the "
        "address asks for a sign-in: then put the file into the folder by hand",
        files=(
            File(
                "warwick_qu_dataset_released_2016_07_08.zip",
                (
                    "https://warwick.ac.uk/fac/cross_fac/tia/data/glascontest/download/"
                    "warwick_qu_dataset_released_2016_07_08.zip",
                ),
                hash="md5:495b2a9f3d694545fbec06673fb3f40f",
                unpack="Warwick_QU",
            ),
        ),
    ),
    "isbi2012": Source(
        title="ISBI 2012: membranes in 30 slices of a fruit fly's nerve cord",
        owner="A. Cardona and colleagues; HDF5 copy by EMBL",
        licence="for generating or testing non-commercial segmentation software; cite both papers",
        citation="Arganda-Carreras et al., Frontiers in Neuroanatomy 9 (2015), "
        "doi 10.3389/fnana.2015.00142; Cardona et al., PLoS Biology 8 (2010)",
        size="as the server says",
        pixel="512 x 512 pixels of 4 nm, slices 50 nm apart, 8-bit grey",
        odd="white is the inside of a cell, black its membrane; neighbouring slices are alike",
        files=(
            File(
                "isbi.h5",
                (_EMBL + "h0TkwqxU0PJDdMd/download",),
                hash="sha256:0e10fe909a1243084d91773470856993b7d40126a12e85f0f1345a7a9e512f29",
            ),
        ),
    ),
    "snemi3d": Source(
        title="SNEMI3D (ISBI 2013): every neuron in 100 slices of mouse cortex",
        owner="J. Lichtman's laboratory, Harvard; HDF5 copy by EMBL",
        licence="none stated; cite the paper",
        citation="Kasthuri et al., Saturated reconstruction of a volume of neocortex, Cell 162 "
        "(2015), doi 10.1016/j.cell.2015.06.054",
        size="as the server says",
        pixel="1024 x 1024 pixels of 6 nm, slices 30 nm apart, 8-bit grey; neuron numbers",
        odd="a neuron can have several pieces in a slice: each is read as a cell of its own",
        files=(
            File(
                "snemi_train.h5",
                (_EMBL + "43iMotlXPyAB39z/download",),
                hash="sha256:5b130a24d9eb23d972fede0f1a403bc05f6808b361cfa22eff23b930b12f0615",
            ),
            File(
                "snemi_test.h5",
                (_EMBL + "aRhphk35H23De2s/download",),
                hash="sha256:3df3920a0ddec6897105845f842b2665d37a47c2d1b96d4f4565682e315a59fa",
                optional=True,
            ),
        ),
    ),
    "epfl": Source(
        title="EPFL mitochondria in mouse hippocampus (Lucchi++), 165 + 165 slices",
        owner="EPFL CVLab (images); Casser et al. (Lucchi++ outlines)",
        licence="none stated; both ask to be cited",
        citation="Lucchi et al., CVPR 2013; Casser et al., Fast mitochondria detection for "
        "connectomics, arXiv 1812.06024",
        size="as the server says",
        pixel="1024 x 768 pixels of 5 nm, slices 5 nm apart, 8-bit grey",
        odd="neighbouring slices are nearly the same picture; some masks are smoothed (read above "
        "127); the stacks on EPFL's own page have the older outlines",
        files=(
            File(
                "lucchi_pp.zip",
                ("http://www.casser.io/files/lucchi_pp.zip",),
                hash="sha256:770ce9e98fc6f29c1b1a250c637e6c5125f2b5f1260e5a7687b55a79e2e8844d",
                unpack="lucchi_pp",
            ),
            *(
                File(name, (_EPFL + name,), optional=True)
                for part in ("training", "testing")
                for name in (f"{part}.tif", f"{part}_groundtruth.tif")
            ),
        ),
    ),
    "ncmir": Source(
        title="NCMIR: mitochondria in mouse brain, 30 slices",
        owner="National Center for Microscopy and Imaging Research, San Diego",
        licence="ask the owner",
        citation="the data set [10] of the fifth paper this course follows",
        size="no public address",
        pixel="1024 x 1024 pixels, 8-bit grey; masks 0 and 255",
        odd="the layout is ours: images/000.png and masks/000.png, in the order of the stack",
    ),
    "livecell3": Source(
        title="Three 16-bit fluorescence pictures of live cells, from 'Is this cell alive?'",
        owner="the paper's authors",
        licence="ask the owner",
        citation="'Is this cell alive?', the third paper this course follows",
        size="no public address",
        pixel="1024 x 1024 pixels, 16-bit grey; masks 0 and 255",
        odd="the layout is ours: images/<name>.tif, masks/<name>.tif, unlabelled/<name>.tif",
    ),
}


def about(name: str) -> Source:
    """What there is to know of a data set; ``print`` it."""
    one_of("the data set", name, SOURCES)
    return SOURCES[name]
