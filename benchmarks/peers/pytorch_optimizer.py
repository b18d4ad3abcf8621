"""Clipping and AdamW in PyTorch at a preset's parameter shapes: the fastest way it has, the usual ones, and tensor by tensor."""
import torch
from torch.nn.utils import clip_grad_norm_

from pytorch_timing import bandwidth, result

COPY_BYTES = 1 << 30

# Name, clip_grad_norm_'s options, AdamW's options. The last is what bindings without the multi-tensor functions do, TorchSharp's among them.
VARIANTS = [
    ("fused AdamW, foreach clip", {"foreach": True}, {"fused": True}),
    ("foreach AdamW and clip", {"foreach": True}, {"foreach": True}),
    ("tensor by tensor", {"foreach": False}, {"foreach": False, "fused": False}),
]


class OptimizerWork:
    """Measures every variant, and on a GPU the copy bandwidth, which is the ceiling."""

    def __init__(self, job, device, clock):
        self.clock = clock
        self.max_norm = job["preset"]["maxNorm"]
        generator = torch.Generator(device).manual_seed(1)
        self.parameters = []
        for tensor in job["preset"]["tensors"]:
            parameter = torch.nn.Parameter(0.02 * torch.randn(tensor["shape"], generator=generator, device=device))
            parameter.grad = 0.01 * torch.randn(tensor["shape"], generator=generator, device=device)
            self.parameters.append(parameter)
        self.count = sum(parameter.numel() for parameter in self.parameters)
        self.actions = [action for variant in VARIANTS for action in self._actions(job["preset"], *variant)]
        if device == "cuda":
            source = torch.ones(COPY_BYTES, dtype=torch.uint8, device=device)
            target = torch.empty_like(source)
            self.actions.append(("memory", "copy 1 GB, read and write", 2 * COPY_BYTES, lambda: target.copy_(source)))
        for _, _, _, action in self.actions:
            clock.warm_up(action)

    def measure(self, repetitions):
        results = []
        for variant, name, count, action in self.actions:
            times = self.clock.measure(action, repetitions)
            host = self.clock.host(action) if variant != "memory" else None
            results.append(result(name, times, variant=variant, gigabytesPerSecond=bandwidth(count, times), hostMs=host))
        return results

    def _actions(self, preset, variant, clip_options, optimizer_options):
        optimizer = torch.optim.AdamW(
            groups(self.parameters, preset["weightDecay"]), lr=1e-4, betas=(preset["beta1"], preset["beta2"]), eps=preset["epsilon"],
            **optimizer_options)

        def clip():
            # It scales always, so it does not matter that the norm is the maximum after the first call.
            clip_grad_norm_(self.parameters, self.max_norm, **clip_options)

        def both():
            clip()
            optimizer.step()

        # Bytes as the algorithm needs them: clipping reads twice and writes once, AdamW reads four arrays and writes three.
        yield variant, "clip", 12 * self.count, clip
        yield variant, "AdamW", 28 * self.count, optimizer.step
        yield variant, "clip and AdamW", 40 * self.count, both


def groups(parameters, weight_decay):
    """Matrices and tables decay, vectors do not."""
    parameters = list(parameters)
    return [
        {"params": [parameter for parameter in parameters if parameter.dim() >= 2], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.dim() < 2], "weight_decay": 0.0},
    ]
