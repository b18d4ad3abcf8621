"""A whole training step of Andrea's GPT in PyTorch: the same parameters, the same batch, the fastest functions that PyTorch has."""
import sys

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from pytorch_optimizer import groups
from pytorch_timing import result


class Block(nn.Module):
    def __init__(self, preset):
        super().__init__()
        channels, biases = preset["channelCount"], preset["biases"]
        self.heads = preset["headCount"]
        self.attention_norm, self.mlp_norm = norm(preset), norm(preset)
        self.qkv = nn.Linear(channels, 3 * channels, bias=biases)
        self.attention_projection = nn.Linear(channels, channels, bias=biases)
        self.hidden = nn.Linear(channels, 4 * channels, bias=biases)
        self.mlp_projection = nn.Linear(4 * channels, channels, bias=biases)

    def forward(self, x):
        x = x + self.attend(self.attention_norm(x))
        return x + self.mlp_projection(functional.gelu(self.hidden(self.mlp_norm(x)), approximate="tanh"))

    def attend(self, x):
        batch, tokens, channels = x.shape
        query, key, value = self.qkv(x).view(batch, tokens, 3, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        output = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.attention_projection(output.transpose(1, 2).reshape(batch, tokens, channels))


class Gpt(nn.Module):
    """Takes (B, T) tokens and what follows them, gives the mean loss."""

    def __init__(self, preset, context):
        super().__init__()
        if preset["norm"] != "LayerNorm" or preset["activation"] != "Gelu":
            raise ValueError(f"{preset['name']} has {preset['norm']} and {preset['activation']}; this peer knows LayerNorm and Gelu only.")
        channels, vocabulary = preset["channelCount"], preset["vocabularySize"]
        self.token_table = nn.Embedding(vocabulary, channels)
        self.position_table = nn.Embedding(max(context, preset["contextLength"]), channels)
        self.blocks = nn.ModuleList(Block(preset) for _ in range(preset["layerCount"]))
        self.norm = norm(preset)
        self.head = nn.Linear(channels, vocabulary, bias=False)
        if preset["tiedHead"]:
            self.head.weight = self.token_table.weight
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, 0.0, 0.02)
        self.register_buffer("positions", torch.arange(context), persistent=False)
        check_shapes(self, preset, context)

    def forward(self, inputs, targets):
        x = self.token_table(inputs) + self.position_table(self.positions)
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def norm(preset):
    return nn.LayerNorm(preset["channelCount"], eps=preset["normEpsilon"], bias=preset["biases"])


def check_shapes(model, preset, context):
    """The same architecture has the same shapes; only the position table may be longer, for a longer context."""
    expected = sorted(
        [max(context, tensor["shape"][0]), *tensor["shape"][1:]] if tensor["name"] == "wpe" else tensor["shape"] for tensor in preset["tensors"])
    actual = sorted(list(parameter.shape) for parameter in model.parameters())
    if actual != expected:
        raise ValueError(f"PyTorch's model has parameters of shapes {actual}, Andrea's {expected}. They are not the same model.")


class StepWork:
    """Measures whole steps: forward, backward, clipping, AdamW."""

    def __init__(self, job, device, clock):
        self.clock = clock
        self.preset, self.batch, self.context = job["preset"], job["batch"], job["context"]
        torch.manual_seed(1)
        shape = (self.batch, self.context)
        tokens = torch.randint(self.preset["vocabularySize"], (2, *shape))
        # The batch comes from the host in every step, as in training.
        tokens = tokens.pin_memory() if device == "cuda" else tokens
        self.actions = [("eager", self._step(tokens, device, compiled=False))]
        clock.warm_up(self.actions[0][1])
        if job.get("compile"):
            self._try_compiled(tokens, device)

    def measure(self, repetitions):
        results = []
        for variant, action in self.actions:
            times = self.clock.measure(action, repetitions)
            line = result("step", times, variant=variant, hostMs=self.clock.host(action))
            results.append({**line, "tokensPerSecond": 1000 * self.batch * self.context / line["medianMs"]})
        return results

    def _try_compiled(self, tokens, device):
        """It needs a compiler or two, which not every machine has."""
        step = self._step(tokens, device, compiled=True)
        try:
            self.clock.warm_up(step)
        except Exception as error:  # Whatever goes wrong there is no reason to do without the rest.
            print(f"torch.compile does not work here, so it is left out: {error}", file=sys.stderr, flush=True)
        else:
            self.actions.append(("torch.compile", step))

    def _step(self, tokens, device, compiled):
        model = Gpt(self.preset, self.context).to(device)
        optimizer = torch.optim.AdamW(
            groups(model.parameters(), self.preset["weightDecay"]), lr=1e-4, betas=(self.preset["beta1"], self.preset["beta2"]),
            eps=self.preset["epsilon"], fused=True)
        parameters = list(model.parameters())
        loss_of = torch.compile(model) if compiled else model

        def step():
            inputs, targets = tokens.to(device, non_blocking=True)
            loss = loss_of(inputs, targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            clip_grad_norm_(parameters, self.preset["maxNorm"], foreach=True)
            optimizer.step()

        return step
