"""The papers that the lessons name, in one place: authors, title, where, and the address.

A lesson's source links one by its key, ``[Ronneberger et al.](paper:unet)``.  ``link`` is None
where no address was found; the name then leads to the list of papers in the glossary.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """A published work; ``short`` is what a lesson calls it."""

    short: str
    title: str
    where: str
    link: str | None = None


def _doi(number):
    return f"https://doi.org/{number}"


def _arxiv(number):
    return f"https://arxiv.org/abs/{number}"


WORKS = {
    # The five papers whose experiments the course repeats; their settings stand in papers.py.
    "double_unet": Work(
        "the Double U-Net paper",
        "Double U-Net for Super-Resolution and Segmentation of Live Cell Images",
        "Bhandary, Reyes, Ertay and Panda, 2022", _arxiv("2212.02028")),
    "pixel_wise": Work(
        "*Pixel-wise segmentation of microscopy images*",
        "Pixel-wise segmentation of microscopy images with deep learning",
        "Sawicki, Ulbæk and Huijben, student report, Technical University of Denmark"),
    "cell_alive": Work(
        "*Is this cell alive?*", '"Is this cell alive?" U-Net segmentation for live cell imaging',
        "Gürler, student report, TU Munich"),
    "nuclei": Work(
        "*Using deep learning approaches to segment … nuclei*",
        "Using deep learning approaches to segment, detect, and extract the cellular nuclei from "
        "fluorescence microscopy images", "Wang and Song"),
    "biomedical": Work(
        "*U-Net on biomedical images*", "U-Net on biomedical images",
        "Persekian, Jiao and Tindall, student report, UC San Diego"),
    # Networks and methods
    "unet": Work("Ronneberger, Fischer and Brox",
                 "U-Net: Convolutional Networks for Biomedical Image Segmentation",
                 "MICCAI 2015", _arxiv("1505.04597")),
    "mask_rcnn": Work("He, Gkioxari, Dollár and Girshick", "Mask R-CNN", "ICCV 2017",
                      _arxiv("1703.06870")),
    "batch_norm": Work("Ioffe and Szegedy", "Batch Normalization: Accelerating Deep Network "
                       "Training by Reducing Internal Covariate Shift", "ICML 2015",
                       _arxiv("1502.03167")),
    "resnet": Work("He, Zhang, Ren and Sun", "Deep Residual Learning for Image Recognition",
                   "CVPR 2016", _arxiv("1512.03385")),
    "stardist": Work("Schmidt et al.", "Cell Detection with Star-convex Polygons", "MICCAI 2018",
                     _arxiv("1806.03535")),
    "cellpose3": Work("Stringer and Pachitariu", "Cellpose3: one-click image restoration for "
                      "improved cellular segmentation", "Nature Methods 22, 2025",
                      _doi("10.1038/s41592-025-02595-5")),
    "cellpose": Work("Stringer et al.", "Cellpose: a generalist algorithm for cellular "
                     "segmentation", "Nature Methods 18, 2021", _doi("10.1038/s41592-020-01018-x")),
    # Data
    "livecell": Work("Edlund et al.", "LIVECell—A large-scale dataset for label-free live cell "
                     "segmentation", "Nature Methods 18, 2021", _doi("10.1038/s41592-021-01249-6")),
    "dsb2018": Work("Caicedo et al.", "Nucleus segmentation across imaging experiments: the 2018 "
                    "Data Science Bowl", "Nature Methods 16, 2019",
                    _doi("10.1038/s41592-019-0612-7")),
    "glas": Work("Sirinukunwattana et al.", "Gland segmentation in colon histology images: The "
                 "GlaS challenge contest", "Medical Image Analysis 35, 2017", _arxiv("1603.00275")),
    "isbi2012": Work("Arganda-Carreras et al.", "Crowdsourcing the creation of image segmentation "
                     "algorithms for connectomics", "Frontiers in Neuroanatomy 9, 2015",
                     _doi("10.3389/fnana.2015.00142")),
    "snemi3d": Work("Kasthuri et al.", "Saturated Reconstruction of a Volume of Neocortex",
                    "Cell 162, 2015", _doi("10.1016/j.cell.2015.06.054")),
    "epfl": Work("Casser et al.", "Fast Mitochondria Detection for Connectomics", "MIDL 2020",
                 _arxiv("1812.06024")),
    "ctc": Work("Ulman et al.", "An objective comparison of cell-tracking algorithms",
                "Nature Methods 14, 2017", _doi("10.1038/nmeth.4473")),
}
