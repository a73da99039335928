"""Networks, each readable in one screen, and how a stored one is built again."""

from cellkit.networks.baselines import ResNetUNet, SimpleCNN
from cellkit.networks.double_unet import DoubleUNet
from cellkit.networks.mask_rcnn import MaskRCNN
from cellkit.networks.unet import UNet

__all__ = ["BUILDERS", "DoubleUNet", "MaskRCNN", "ResNetUNet", "SimpleCNN", "UNet", "rebuild"]

#: The networks that a checkpoint or a weights card may name.
BUILDERS = {net.__name__: net for net in (UNet, DoubleUNet, SimpleCNN, ResNetUNet, MaskRCNN)}


def rebuild(name, config, weights, source):
    """A network from its stored name, ``config`` and weights; ``source`` is named in errors."""
    if name not in BUILDERS:
        raise ValueError(
            f"{source} holds a {name!r}, expected one of {', '.join(BUILDERS)}; "
            "it was written by another version of cellkit: install that one, or train anew."
        )
    try:
        net = BUILDERS[name](**config)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{source} describes a {name} that this version cannot build ({error}); "
            "install the version of cellkit that wrote it, or train anew."
        ) from error
    fill(net, weights, source)
    return net


def fill(net, weights, source):
    """Put stored weights into a network, or say in one sentence why they do not fit."""
    mine = net.state_dict()
    for key in [*mine, *weights]:
        have = tuple(weights[key].shape) if key in weights else "nothing"
        want = tuple(mine[key].shape) if key in mine else "nothing"
        if have != want:
            raise ValueError(
                f"{source} is of another architecture: it has {have} for {key!r}, this network "
                f"{want}; build the network with the settings it was trained with."
            )
    net.load_state_dict(weights)
