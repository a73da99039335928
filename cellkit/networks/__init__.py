"""Networks, each readable in one screen."""

from cellkit.networks.unet import UNet

__all__ = ["UNet"]
