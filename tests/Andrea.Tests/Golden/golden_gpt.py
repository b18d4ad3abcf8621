"""Ten training steps of tiny GPTs, in double: every combination of tied head, biases, norm and activation."""
import itertools
import math

import torch
from torch.nn import functional

from golden_files import Case
from golden_ops import activate, attend, normalise
from golden_optim import clip_in_place

LAYERS, HEADS, CHANNELS, CONTEXT, VOCABULARY = 2, 2, 16, 12, 29
BATCH, TOKENS, STEPS = 4, 11, 10
BATCHES = 2  # Seen again and again, so that ten steps teach something.
BETAS, EPSILON, DECAY = (0.9, 0.99), 1e-8, 0.1


def parameter_shapes(tied, biases, norm_kind):
    """Names and shapes of all parameters, in order. The head never has a bias; RMSNorm never has one."""
    shapes = {"wte": (VOCABULARY, CHANNELS), "wpe": (CONTEXT, CHANNELS)}

    def add(name, *shape):
        shapes[f"{name}.weight"] = shape
        if biases and (len(shape) == 2 or norm_kind == "LayerNorm"):
            shapes[f"{name}.bias"] = shape[:1]

    for layer in range(LAYERS):
        add(f"h.{layer}.ln_1", CHANNELS)
        add(f"h.{layer}.attn.c_attn", 3 * CHANNELS, CHANNELS)
        add(f"h.{layer}.attn.c_proj", CHANNELS, CHANNELS)
        add(f"h.{layer}.ln_2", CHANNELS)
        add(f"h.{layer}.mlp.c_fc", 4 * CHANNELS, CHANNELS)
        add(f"h.{layer}.mlp.c_proj", CHANNELS, 4 * CHANNELS)
    add("ln_f", CHANNELS)
    if not tied:
        shapes["lm_head.weight"] = (VOCABULARY, CHANNELS)
    return shapes


def initial_parameters(case, shapes):
    """Not how anyone would start a training: large enough that every gradient matters."""
    parameters = {}
    for name, shape in shapes.items():
        if len(shape) == 2:
            parameters[name] = case.input(name, *shape, scale=0.8)
        else:
            parameters[name] = case.input(name, *shape, scale=0.4, offset=1.0 if name.endswith("weight") else 0.0)
    return parameters


def loss_of(parameters, tokens, norm_kind, activation_kind):
    """Mean cross-entropy of predicting tokens[:, 1:] from tokens[:, :-1]."""
    inputs, targets = tokens[:, :-1], tokens[:, 1:]

    def norm(name, x):
        return normalise(norm_kind, x, parameters[f"{name}.weight"], parameters.get(f"{name}.bias"))

    def linear(name, x):
        return functional.linear(x, parameters[f"{name}.weight"], parameters.get(f"{name}.bias"))

    x = parameters["wte"][inputs] + parameters["wpe"][:inputs.shape[1]]
    for layer in range(LAYERS):
        qkv = linear(f"h.{layer}.attn.c_attn", norm(f"h.{layer}.ln_1", x))
        mixed, _ = attend(qkv.reshape(*inputs.shape, 3, HEADS, CHANNELS // HEADS))
        x = x + linear(f"h.{layer}.attn.c_proj", mixed.reshape(x.shape))
        hidden = activate(activation_kind, linear(f"h.{layer}.mlp.c_fc", norm(f"h.{layer}.ln_2", x)))
        x = x + linear(f"h.{layer}.mlp.c_proj", hidden)
    logits = functional.linear(norm("ln_f", x), parameters.get("lm_head.weight", parameters["wte"]))
    return functional.cross_entropy(logits.reshape(-1, VOCABULARY), targets.reshape(-1))


def train(start, batches, rates, max_norm, norm_kind, activation_kind, dtype=torch.float64):
    """Losses, norms before clipping, first gradients and final parameters."""
    parameters = {name: torch.nn.Parameter(value.detach().to(dtype).clone()) for name, value in start.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters.values() if p.dim() == 2], "weight_decay": DECAY},
         {"params": [p for p in parameters.values() if p.dim() < 2], "weight_decay": 0.0}], betas=BETAS, eps=EPSILON)
    losses, norms, first_gradients = [], [], None
    for tokens, rate in zip(batches, rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss = loss_of(parameters, tokens, norm_kind, activation_kind)
        loss.backward()
        losses.append(loss.item())
        first_gradients = first_gradients or {name: parameter.grad.clone() for name, parameter in parameters.items()}
        norms.append(clip_in_place(list(parameters.values()), max_norm))
        optimizer.step()
    return losses, norms, first_gradients, parameters


def variant(tied, biases, norm_kind, activation_kind):
    name = ", ".join(["tied" if tied else "untied", "biases" if biases else "no biases", norm_kind, activation_kind])
    case = Case(
        name, tied=int(tied), biases=int(biases), rmsNorm=int(norm_kind == "RmsNorm"), relu=int(activation_kind == "Relu"),
        layers=LAYERS, heads=HEADS, channels=CHANNELS, context=CONTEXT, vocabulary=VOCABULARY, batch=BATCH, tokens=TOKENS, batches=BATCHES,
        steps=STEPS, beta1=BETAS[0], beta2=BETAS[1], epsilon=EPSILON, weightDecay=DECAY)
    start = initial_parameters(case, parameter_shapes(tied, biases, norm_kind))
    batches = [case.integers(f"tokens.{index}", BATCH, TOKENS + 1, bound=VOCABULARY) for index in range(BATCHES)] * (STEPS // BATCHES)
    rates = [2e-2 * min(1.0, (step + 1) / 4) * 0.5 * (1 + math.cos(math.pi * step / STEPS)) for step in range(STEPS)]

    # The maximum lies between the norms of the same training without a clip, so that some steps are clipped and some are not.
    _, free_norms, _, _ = train(start, batches, rates, math.inf, norm_kind, activation_kind)
    ordered = sorted(free_norms)
    max_norm = round((ordered[STEPS // 2 - 1] + ordered[STEPS // 2]) / 2, 3)
    losses, norms, gradients, parameters = train(start, batches, rates, max_norm, norm_kind, activation_kind)
    clipped = [norm > max_norm for norm in norms]
    assert any(clipped) and not all(clipped), f"{name}: the clip must act on some steps, not on all"
    assert all(abs(norm / max_norm - 1) > 1e-4 for norm in norms), f"{name}: a norm lies too near the maximum to tell"

    assert losses[-1] < losses[0] - 0.5, f"{name}: nothing was learnt"

    # How far float32 strays from double in these ten steps; the tests' limit is ten times as wide.
    float_losses = train(start, batches, rates, max_norm, norm_kind, activation_kind, torch.float32)[0]
    stray = max(abs(a - b) for a, b in zip(losses, float_losses))
    assert stray < 1e-6, f"{name}: float32 strays too far"

    case.numbers(maxNorm=max_norm)
    case.series(learningRates=rates, losses=losses, norms=norms)
    case.outputs(5, **{f"{key}.grad": gradient for key, gradient in gradients.items()})
    if not biases and activation_kind == "Gelu":
        # Not with biases: a key bias has no effect on the loss, so its gradient, and what Adam makes of that, is rounding noise.
        case.outputs(5, **{f"{key}.final": parameter for key, parameter in parameters.items()})
    return case


def cases():
    options = itertools.product((True, False), (True, False), ("LayerNorm", "RmsNorm"), ("Gelu", "Relu"))
    yield "gpt.json", "Tiny GPTs, ten steps of AdamW with a clip that acts on some of them.", [variant(*option) for option in options]
