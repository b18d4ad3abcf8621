#!/usr/bin/env python3
"""Trains nanoGPT's CPU character configuration with PyTorch: the peer that Andrea's `chars` preset is compared with.

4 layers, 4 heads, 128 wide, context 64, batch 12; AdamW 1e-3 to 1e-4 on a cosine after 100 steps of warmup, betas 0.9 and 0.99,
decay 0.1 on matrices and tables, clip 1.0; tied head, no biases, no dropout; 90 % of the text to train on, 10 % to validate.
Written for this comparison: the numbers are nanoGPT's (github.com/karpathy/nanoGPT, train_shakespeare_char.py and README), the code is not.

Prints one JSON object a line: the setting, progress every --log-every steps, and the result.
"""
import argparse
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional

LAYERS, HEADS, CHANNELS, CONTEXT, BATCH = 4, 4, 128, 64, 12
PEAK_RATE, FINAL_RATE, WARMUP = 1e-3, 1e-4, 100
BETAS, DECAY, MAX_NORM = (0.9, 0.99), 0.1, 1.0
EVALUATION_BATCHES = 200


class Norm(nn.Module):
    """LayerNorm without a bias, which PyTorch 1.13's own cannot do."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(CHANNELS))

    def forward(self, x):
        return functional.layer_norm(x, (CHANNELS,), self.weight, None, 1e-5)


class Block(nn.Module):
    def __init__(self, gelu):
        super().__init__()
        self.attention_norm, self.mlp_norm = Norm(), Norm()
        self.qkv = nn.Linear(CHANNELS, 3 * CHANNELS, bias=False)
        self.attention_projection = nn.Linear(CHANNELS, CHANNELS, bias=False)
        self.hidden = nn.Linear(CHANNELS, 4 * CHANNELS, bias=False)
        self.mlp_projection = nn.Linear(4 * CHANNELS, CHANNELS, bias=False)
        self.gelu = nn.GELU(approximate="tanh" if gelu == "tanh" else "none")
        self.register_buffer("future", torch.ones(CONTEXT, CONTEXT, dtype=torch.bool).triu(1), persistent=False)

    def forward(self, x):
        x = x + self.attend(self.attention_norm(x))
        return x + self.mlp_projection(self.gelu(self.hidden(self.mlp_norm(x))))

    def attend(self, x):
        batch, tokens, _ = x.shape
        query, key, value = self.qkv(x).view(batch, tokens, 3, HEADS, CHANNELS // HEADS).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) / math.sqrt(CHANNELS // HEADS)
        weights = torch.softmax(scores.masked_fill(self.future[:tokens, :tokens], -math.inf), -1)
        return self.attention_projection((weights @ value).transpose(1, 2).reshape(batch, tokens, CHANNELS))


class CharacterModel(nn.Module):
    def __init__(self, vocabulary, gelu):
        super().__init__()
        self.token_table = nn.Embedding(vocabulary, CHANNELS)
        self.position_table = nn.Embedding(CONTEXT, CHANNELS)
        self.blocks = nn.Sequential(*(Block(gelu) for _ in range(LAYERS)))
        self.norm = Norm()
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                deviation = 0.02 / math.sqrt(2 * LAYERS) if name.endswith("projection.weight") else 0.02
                nn.init.normal_(parameter, 0.0, deviation)

    def loss(self, inputs, targets):
        x = self.token_table(inputs) + self.position_table(torch.arange(inputs.shape[1]))
        logits = functional.linear(self.norm(self.blocks(x)), self.token_table.weight)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def learning_rate(step, steps):
    """nanoGPT's: a line up to the peak, then a cosine down to the final rate."""
    if step < WARMUP:
        return PEAK_RATE * (step + 1) / (WARMUP + 1)
    progress = min(1.0, (step - WARMUP) / max(1, steps - WARMUP))
    return FINAL_RATE + (PEAK_RATE - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * progress))


def load(path):
    """Training and validation ids, and the number of different characters."""
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    ids = {character: index for index, character in enumerate(sorted(set(text)))}
    data = torch.tensor([ids[character] for character in text])
    split = int(0.9 * len(data))
    if len(data) - split <= CONTEXT:
        raise SystemExit(f"{path} has {len(data)} characters; its last tenth must be longer than a context of {CONTEXT}.")
    return data[:split], data[split:], len(ids)


def windows(data, starts):
    """(B, T) inputs, and what follows them."""
    rows = torch.stack([data[start:start + CONTEXT + 1] for start in starts])
    return rows[:, :-1], rows[:, 1:]


@torch.no_grad()
def evaluate(model, data):
    """Mean loss over windows that lie evenly in the data, the first at its beginning, the last at its end: the same for every seed."""
    count = EVALUATION_BATCHES * BATCH
    starts = [(len(data) - CONTEXT - 1) * window // (count - 1) for window in range(count)]
    losses = [model.loss(*windows(data, starts[first:first + BATCH])).item() for first in range(0, count, BATCH)]
    return sum(losses) / len(losses)


def train(model, data, steps, log_every):
    """Returns the seconds it took."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}], lr=PEAK_RATE, betas=BETAS)
    begin = time.perf_counter()
    for step in range(steps):
        rate = learning_rate(step, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = model.loss(*windows(data, torch.randint(len(data) - CONTEXT, (BATCH,)).tolist()))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        if step % log_every == 0 or step == steps - 1:
            report(step=step, loss=loss.item(), norm=norm.item(), lr=rate, seconds=time.perf_counter() - begin)
    return time.perf_counter() - begin


def report(**values):
    print(json.dumps({key: round(value, 6) if isinstance(value, float) else value for key, value in values.items()}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, metavar="FILE", help="UTF-8 text")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to PyTorch")
    parser.add_argument("--gelu", choices=["exact", "tanh"], default="exact", help="nanoGPT's is exact, GPT-2's and Andrea's is tanh")
    parser.add_argument("--log-every", type=int, default=100)
    options = parser.parse_args()
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    training, validation, vocabulary = load(options.data)
    model = CharacterModel(vocabulary, options.gelu)
    report(
        torch=torch.__version__, threads=torch.get_num_threads(), vocabulary=vocabulary, training_characters=len(training),
        validation_characters=len(validation), parameters=sum(parameter.numel() for parameter in model.parameters()),
        steps=options.steps, seed=options.seed, gelu=options.gelu)
    seconds = train(model, training, options.steps, options.log_every)
    report(
        validation_loss=evaluate(model, validation), training_loss=evaluate(model, training), seconds=seconds,
        milliseconds_per_step=1000 * seconds / options.steps, tokens_per_second=options.steps * BATCH * CONTEXT / seconds)


if __name__ == "__main__":
    main()
