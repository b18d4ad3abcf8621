"""Every operation of a GPT, forward and backward, in double."""
import math

import torch
from torch.nn import functional

from golden_files import Case

EPSILON = 1e-5


def embedding(name, vocabulary, positions, batch, tokens, channels, first_position=0):
    case = Case(name, vocabulary=vocabulary, positions=positions, batch=batch, tokens=tokens, channels=channels, firstPosition=first_position)
    ids = case.integers("tokens", batch, tokens, bound=vocabulary)
    token_table = case.input("tokenTable", vocabulary, channels)
    position_table = case.input("positionTable", positions, channels)
    output = functional.embedding(ids, token_table) + position_table[first_position:first_position + tokens]
    output.backward(case.input("dOutput", batch, tokens, channels).detach())
    case.outputs(output=output)
    if first_position == 0:  # Text is generated from a position on; nobody trains so.
        case.outputs(dTokenTable=token_table.grad, dPositionTable=position_table.grad)
    return case


def normalise(kind, x, weight, bias):
    if kind == "LayerNorm":
        return functional.layer_norm(x, x.shape[-1:], weight, bias, EPSILON)
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * weight


def norm(name, kind, has_bias, rows, channels, scale=2.0, offset=0.0):
    case = Case(name, rmsNorm=int(kind == "RmsNorm"), bias=int(has_bias), rows=rows, channels=channels, epsilon=EPSILON)
    x = case.input("input", rows, channels, scale=scale, offset=offset)
    weight = case.input("weight", channels, offset=0.5)
    bias = case.input("bias", channels) if has_bias else None
    output = normalise(kind, x, weight, bias)
    output.backward(case.input("dOutput", rows, channels).detach())
    if kind == "LayerNorm":
        case.outputs(mean=x.mean(-1), inverseScale=torch.rsqrt(x.var(-1, unbiased=False) + EPSILON))
    else:
        case.outputs(inverseScale=torch.rsqrt(x.pow(2).mean(-1) + EPSILON))
    case.outputs(output=output, dInput=x.grad, dWeight=weight.grad)
    if has_bias:
        case.outputs(dBias=bias.grad)
    return case


def linear(name, has_bias, has_residual, rows, input_size, output_size, every=1):
    case = Case(name, bias=int(has_bias), residual=int(has_residual), rows=rows, inputSize=input_size, outputSize=output_size)
    x = case.input("input", rows, input_size)
    weight = case.input("weight", output_size, input_size)
    bias = case.input("bias", output_size) if has_bias else None
    output = functional.linear(x, weight, bias)
    if has_residual:
        output = output + case.input("residual", rows, output_size)
    output.backward(case.input("dOutput", rows, output_size).detach())
    case.outputs(every, output=output, dInput=x.grad, dWeight=weight.grad)
    if has_bias:
        case.outputs(dBias=bias.grad)
    return case


def activate(kind, x):
    return functional.gelu(x, approximate="tanh") if kind == "Gelu" else torch.relu(x)


def activation(name, kind, length, scale):
    case = Case(name, relu=int(kind == "Relu"), length=length)
    x = case.input("input", length, scale=scale)
    output = activate(kind, x)
    output.backward(case.input("dOutput", length).detach())
    case.outputs(output=output, dInput=x.grad)
    return case


def attend(qkv):
    """Causal attention written out: (B, T, 3, H, D) to (B, T, H, D), and (B, H, T) logarithms of the softmax's denominators."""
    query, key, value = (part.transpose(1, 2) for part in qkv.unbind(2))
    scores = query @ key.transpose(-2, -1) / math.sqrt(qkv.shape[-1])
    tokens = qkv.shape[1]
    scores = scores.masked_fill(torch.ones(tokens, tokens, dtype=torch.bool).triu(1), -math.inf)
    return (torch.softmax(scores, -1) @ value).transpose(1, 2), torch.logsumexp(scores, -1)


def attention(name, batch, tokens, heads, head_size, scale=3.0, every=1):
    case = Case(name, batch=batch, tokens=tokens, heads=heads, headSize=head_size)
    qkv = case.input("qkv", batch, tokens, 3, heads, head_size, scale=scale)
    output, log_sum_exp = attend(qkv)
    output.backward(case.input("dOutput", batch, tokens, heads, head_size).detach())
    case.outputs(every, output=output, logSumExp=log_sum_exp, dQkv=qkv.grad)
    return case


def cross_entropy(name, rows, vocabulary, scale):
    case = Case(name, rows=rows, vocabulary=vocabulary)
    targets = case.integers("targets", rows, bound=vocabulary)
    logits = case.input("logits", rows, vocabulary, scale=scale)
    losses = functional.cross_entropy(logits, targets, reduction="none")
    loss = losses.mean()
    loss.backward()
    case.numbers(loss=loss.item())
    case.outputs(losses=losses, dLogits=logits.grad)
    return case


def cases():
    """Sizes are odd on purpose: rows, columns and heads that fill no vector, no tile and no block."""
    yield "embedding.json", "Token and position embedding.", [
        embedding("tokens repeat", vocabulary=5, positions=9, batch=3, tokens=9, channels=21),
        embedding("fewer tokens than positions", vocabulary=40, positions=12, batch=2, tokens=5, channels=32),
        embedding("starts at position 3", vocabulary=7, positions=8, batch=1, tokens=4, channels=17, first_position=3),
    ]
    yield "norm.json", "LayerNorm with and without bias, RMSNorm.", [
        norm("LayerNorm with bias", "LayerNorm", True, rows=9, channels=37),
        norm("LayerNorm without bias", "LayerNorm", False, rows=6, channels=64),
        norm("LayerNorm far from zero", "LayerNorm", True, rows=3, channels=129, scale=2.0, offset=100.0),
        norm("LayerNorm of tiny values", "LayerNorm", True, rows=3, channels=20, scale=1e-3),
        norm("RMSNorm", "RmsNorm", False, rows=9, channels=37),
        norm("RMSNorm of tiny values", "RmsNorm", False, rows=3, channels=130, scale=1e-3),
    ]
    yield "linear.json", "Matrix products with and without bias and residual.", [
        linear("plain", False, False, rows=7, input_size=19, output_size=13),
        linear("bias", True, False, rows=17, input_size=33, output_size=31),
        linear("residual", False, True, rows=5, input_size=16, output_size=48),
        linear("bias and residual", True, True, rows=37, input_size=70, output_size=65, every=2),
        linear("one row", True, False, rows=1, input_size=67, output_size=35),
        linear("one column", False, False, rows=23, input_size=1, output_size=1),
        linear("larger than a block", True, True, rows=133, input_size=531, output_size=277, every=23),
    ]
    yield "activation.json", "GELU in its tanh form, and ReLU.", [
        activation("GELU", "Gelu", length=259, scale=12.0),
        activation("GELU where tanh saturates", "Gelu", length=67, scale=60.0),
        activation("GELU of tiny values", "Gelu", length=33, scale=1e-3),
        activation("ReLU", "Relu", length=83, scale=12.0),
    ]
    yield "attention.json", "Causal self-attention.", [
        attention("one token", batch=2, tokens=1, heads=2, head_size=4),
        attention("T 13, D 8", batch=2, tokens=13, heads=3, head_size=8),
        attention("T 37, D 20", batch=1, tokens=37, heads=2, head_size=20),
        attention("T 70, D 64", batch=1, tokens=70, heads=1, head_size=64, every=3),
        attention("scores whose exponentials overflow", batch=1, tokens=19, heads=1, head_size=16, scale=24.0),
        attention("T 150, D 32", batch=1, tokens=150, heads=2, head_size=32, every=13),
    ]
    yield "cross_entropy.json", "Cross-entropy and its gradient.", [
        cross_entropy("V 29", rows=9, vocabulary=29, scale=8.0),
        cross_entropy("V 257", rows=4, vocabulary=257, scale=2.0),
        cross_entropy("V 1", rows=3, vocabulary=1, scale=2.0),
        cross_entropy("logits whose exponentials overflow", rows=5, vocabulary=65, scale=400.0),
    ]
