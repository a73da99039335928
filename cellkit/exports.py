"""A trained network as one file for other programs: TorchScript, ONNX, or a bioimage.io zip.

What such a file takes is an image as it is: float32 (N, C, H, W) in [0, 1], of any size.  What it
gives are the maps of :func:`cellkit.predict`, (N, maps, H, W).  Normalisation, padding and
activation are inside.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
import zipfile
from copy import deepcopy
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import cellkit
from cellkit.checks import one_of
from cellkit.device import unwrapped
from cellkit.files import replacing
from cellkit.heads import config_of, head_of
from cellkit.inference import networks
from cellkit.weights import load_weights

#: Format -> how its files may end.
FORMATS = {"torchscript": (".pt", ".ts"), "onnx": (".onnx",), "bioimageio": (".zip",)}
#: What licences that a card may name are called in SPDX's list, the strictest first.
SPDX = {"CC BY-NC 4.0": "CC-BY-NC-4.0", "CC BY 4.0": "CC-BY-4.0", "BSD-3-Clause": "BSD-3-Clause",
        "CC0": "CC0-1.0"}  # fmt: skip


def export(net, path, format: str = "torchscript") -> Path:
    """Write a network for programs that do not know cellkit.

    Parameters
    ----------
    net : Module, str or path
        One of cellkit's networks but :class:`cellkit.MaskRCNN`, or what
        :func:`cellkit.load_weights` takes.
    path : path
        Ends in ".pt" (TorchScript), ".onnx" or ".zip" (bioimage.io).  An older file stays until
        the new one is whole.
    format : {"torchscript", "onnx", "bioimageio"}
        "torchscript": ``torch.jit.load(path)`` in Python or C++.  "onnx": needs the packages of
        ``pip install cellkit[export]``.  "bioimageio": a model of bioimage.io with TorchScript
        weights, for ilastik, deepImageJ and others.

    Returns
    -------
    Path

    Notes
    -----
    The same as ``cellkit.predict(net, image, all=True, amp=False)`` of an image that is not tiled,
    to 1e-5.  Brightness is normalised over the picture that comes in, so give whole pictures.

    Examples
    --------
    >>> import tempfile
    >>> path = export("livecell", tempfile.mkdtemp() + "/livecell.pt")
    >>> torch.jit.load(path)(torch.rand(1, 1, 50, 70)).shape
    torch.Size([1, 1, 50, 70])
    """
    one_of("the format", format, FORMATS)
    path = Path(path)
    if path.suffix.lower() not in FORMATS[format]:
        raise ValueError(f"the path is {path}, expected one that ends in {FORMATS[format][0]} for "
                         f"the format {format!r}; name it so.")
    name = Path(net).stem if isinstance(net, (str, os.PathLike)) else path.stem
    net = load_weights(net, device="cpu") if isinstance(net, (str, os.PathLike)) else net
    [net] = networks(net)
    whole = Whole(unwrapped(net))
    write = {"torchscript": _torchscript, "onnx": _onnx, "bioimageio": _bioimageio}[format]
    with replacing(path) as temporary, torch.inference_mode(), warnings.catch_warnings():
        for kind in (torch.jit.TracerWarning, DeprecationWarning, FutureWarning):
            warnings.filterwarnings("ignore", category=kind)  # of torch, about its own future
        write(whole, temporary, name)
    return path


class Whole(nn.Module):
    """A network with all that :func:`cellkit.predict` does before and after it.

    Attributes
    ----------
    maps : list of str
        What each channel of the output is.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        head, config = head_of(net), config_of(net)
        if head.name == "objects" or not config:
            raise ValueError(
                f"{type(net).__name__} cannot be exported, expected one of cellkit's networks that "
                "give maps (cellkit.UNet and others): " + (
                    "a Mask R-CNN gives a list of objects, which these formats have no place for; "
                    "export another network, or hand on its .safetensors file and card."
                    if config else "only of these it is known how they see an image."
                )
            )
        self.net, self.head = deepcopy(net).cpu().float().eval(), head
        first = config.get("sharpen", config)
        self.channels = first["in_channels"]
        self.standard = first.get("normalise", "standard") == "standard"
        card = getattr(net, "card", {})
        self.data = [(d.get("name"), d.get("licence", "")) for d in card.get("data", ())]
        self.metrics = card.get("metrics", "not told")
        with torch.inference_mode():
            output = self.net(torch.zeros(1, self.channels, 32, 32))[0]
        self.maps = [
            name if value.ndim == 2 else f"{name} {k}"
            for name, value in head.maps(output).items()
            for k in range(1 if value.ndim == 2 else value.shape[2])
        ]

    def forward(self, image: Tensor) -> Tensor:
        mean = _mean(image) if self.standard else 0.0
        std = _mean((image - mean).square()).sqrt().clamp(min=1e-3) if self.standard else 1.0
        output = self.net((image - mean) / std)
        pictures = {"image": 0, "double": 1}.get(self.head.name, output.shape[1])
        # A head reads (channels, H, W); here N comes behind the channels.
        maps = [*self.head.maps(output.transpose(0, 1)).values()] if pictures else []
        if self.head.name in ("image", "double"):
            sharp = (output[:, pictures:] * std + mean).clamp(0, 1)
            return torch.cat([one[:, None] for one in maps[:1]] + [sharp], 1)
        return torch.stack(maps, 1)

    def about(self) -> dict:
        """What a file says of itself."""
        return {"cellkit": cellkit.__version__, "network": type(self.net).__name__,
                "input": f"float32 (N, {self.channels}, H, W) in [0, 1]", "output": self.maps,
                "data": [f"{name} ({licence})" for name, licence in self.data]}


def _example(whole) -> Tensor:
    """Blobs, in a picture that is neither square nor a multiple of anything."""
    noise = torch.rand(1, whole.channels, 8, 10, generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate(noise, (83, 101), mode="bicubic").clamp(0, 1)


def _torchscript(whole, path, name):
    traced = torch.jit.trace(whole, _example(whole), check_trace=False)
    torch.jit.save(traced, str(path), _extra_files={"cellkit.json": json.dumps(whole.about())})


def _onnx(whole, path, name):
    try:
        import onnx
    except ImportError:
        raise ImportError("ONNX files need the package onnx, which is not installed; "
                          "pip install 'cellkit[export]'.") from None
    sides = {0: "n", 2: "height", 3: "width"}
    stream = BytesIO()
    torch.onnx.export(whole, (_example(whole),), stream, dynamo=False, input_names=["image"],
                      output_names=["maps"], dynamic_axes={"image": sides, "maps": sides})
    model = onnx.load_from_string(stream.getvalue())
    onnx.helper.set_model_props(model, {k: str(v) for k, v in whole.about().items()})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _bioimageio(whole, path, name):
    example = _example(whole)
    files = {"test_input.npy": _npy(example), "test_output.npy": _npy(whole(example))}
    stream = BytesIO()
    torch.jit.save(torch.jit.trace(whole, example, check_trace=False), stream)
    files["weights.pt"] = stream.getvalue()
    lines = [f"{key}: {value}" for key, value in whole.about().items()]
    files["README.md"] = "\n\n".join((
        f"# {name}", *lines, "Normalisation, padding and activation are inside; give whole "
        "pictures.", "## Validation", json.dumps(whole.metrics, indent=1))).encode()  # fmt: skip
    hashes = {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}

    def tensor(kind, channels):
        space = [
            {"type": "space", "id": axis, "size": {"min": 1, "step": 1} if kind == "input" else
             {"tensor_id": "input", "axis_id": axis}} for axis in "yx"]  # fmt: skip
        return {
            "id": kind, "axes": [{"type": "batch"}, {"type": "channel", "channel_names": channels},
                                 *space],
            "data": {"type": "float32", "range": [-1 if kind == "output" else 0, 1]},
            "test_tensor": {"source": f"test_{kind}.npy", "sha256": hashes[f"test_{kind}.npy"]},
        }  # fmt: skip

    said = {licence.partition(",")[0] for _, licence in whole.data}
    spdx = next((one for text, one in SPDX.items() if text in said), None)
    spdx = spdx if said <= {*SPDX} else None  # "research use only" has no name there
    rdf = {
        "type": "model", "format_version": "0.5.4",
        "name": "CellKit " + re.sub("[^A-Za-z0-9_() -]", "-", name),
        "description": f"Of a picture of cells: {', '.join(whole.maps)}.",
        "authors": [{"name": "The authors of CellKit"}], "documentation": "README.md",
        "cite": [{"text": "Ronneberger et al., U-Net", "doi": "10.1007/978-3-319-24574-4_28"}],
        "config": {"bioimageio": {"reproducibility_tolerance": [{"absolute_tolerance": 1e-5}]}},
        "tags": ["cells", "segmentation", "2d"], **({"license": spdx} if spdx else {}),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": [tensor("input", [f"channel{k}" for k in range(whole.channels)])],
        "outputs": [tensor("output", [one.replace(" ", "_") for one in whole.maps])],
        "weights": {"torchscript": {
            "source": "weights.pt", "sha256": hashes["weights.pt"],
            "pytorch_version": torch.__version__.partition("+")[0]}},
    }  # fmt: skip
    with zipfile.ZipFile(path, "w") as packed:  # weights hardly shrink
        packed.writestr("rdf.yaml", json.dumps(rdf, indent=1))  # JSON is YAML too
        for file, data in files.items():
            packed.writestr(file, data)


def _npy(tensor) -> bytes:
    stream = BytesIO()
    np.save(stream, tensor.numpy())
    return stream.getvalue()


def _mean(image) -> Tensor:
    """Of each picture; axis by axis, since ONNX Runtime sums up all at once less exactly."""
    return image.mean(3, keepdim=True).mean(2, keepdim=True).mean(1, keepdim=True)
