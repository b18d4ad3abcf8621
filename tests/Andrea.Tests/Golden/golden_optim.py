"""Global-norm clipping and AdamW. Two answers each: the true one, computed in double, and PyTorch's own in float32."""
import math

import numpy
import torch

from golden_files import Case

# An exact norm counts as above the maximum when rounding to float32 cannot explain it.
SLACK = 1 + 2.0**-24


def exact_norm(gradients):
    return math.sqrt(math.fsum(float(value)**2 for gradient in gradients for value in gradient.detach().reshape(-1).tolist()))


def exact_coefficient(norm, max_norm):
    return max_norm / norm if norm > max_norm * SLACK else 1.0


def torch_clip(gradients, max_norm):
    """clip_grad_norm_ in float32: the norm, and the gradients it leaves."""
    parameters = [torch.zeros(gradient.shape) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.detach().to(torch.float32)
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    return norm.item(), [parameter.grad for parameter in parameters]


def clip(name, gradients_of, max_norm, every=1, torch_measures=True):
    """gradients_of makes the gradients; max_norm may depend on the exact norm. torch_measures: whether float32 can hold the squares."""
    case = Case(name)
    gradients = gradients_of(case)
    norm = exact_norm(gradients)
    maximum = max_norm(norm) if callable(max_norm) else max_norm
    coefficient = exact_coefficient(norm, maximum)
    case.numbers(tensors=len(gradients), maxNorm=maximum, norm=norm, coefficient=coefficient, torchMeasures=int(torch_measures))
    case.series(tensorNorms=[exact_norm([gradient]) for gradient in gradients])
    for index, gradient in enumerate(gradients):
        case.outputs(every, **{f"exact.{index}": gradient * coefficient})
    torch_norm, torch_gradients = torch_clip(gradients, maximum)
    if torch_measures:
        # Its float32 sum of 271,076 squares is off by 1.2e-6; ours are taken in double.
        assert abs(torch_norm - norm) <= 2e-6 * norm, f"{name}: PyTorch's norm {torch_norm} is not {norm}"
        # Where PyTorch's float32 sum of squares lands on the rounded true norm, its clipped gradients can be demanded bit by bit.
        case.numbers(torchNorm=torch_norm, torchNormIsRounded=int(torch_norm == float(numpy.float32(norm))))
        for index, gradient in enumerate(torch_gradients):
            case.outputs(every, **{f"torch.{index}": gradient})
    return case


def several(scale):
    shapes = {"g.0": (13, 7), "g.1": (31,), "g.2": (1,), "g.3": (5, 3, 11)}
    return lambda case: [case.input(name, *shape, scale=scale) for name, shape in shapes.items()]


def three_four_five(case):
    case.data["integers"].update({"g.0": [3], "g.1": [0, 4]})
    return [torch.tensor([3.0], dtype=torch.float64), torch.tensor([0.0, 4.0], dtype=torch.float64)]


def chunks(case):
    """Two chunks and a bit, a full chunk, and one element more than a chunk."""
    return [case.input("g.0", 140_003), case.input("g.1", 256, 256, scale=0.5), case.input("g.2", 65_537, scale=0.1)]


def clip_cases():
    return [
        clip("clipped", several(2.0), max_norm=1.0),
        clip("clipped to 0.3", several(2.0), max_norm=0.3),
        clip("clipped to 2.7", several(3.0), max_norm=2.7),
        clip("left alone", several(0.02), max_norm=1.0),
        clip("just above the maximum", several(2.0), max_norm=lambda norm: norm * (1 - 1e-6)),
        clip("just below the maximum", several(2.0), max_norm=lambda norm: norm * (1 + 1e-6)),
        clip("3 and 4, maximum 5", three_four_five, max_norm=5.0),
        clip("3 and 4, maximum 1", three_four_five, max_norm=1.0),
        clip("maximum 0", several(2.0), max_norm=0.0),
        clip("larger than a chunk", chunks, max_norm=1.0, every=997),
        clip("squares overflow float32", several(1e21), max_norm=1.0, torch_measures=False),
        clip("squares underflow float32", several(1e-24), max_norm=1e-25, torch_measures=False),
    ]


STEPS = 20
# Name, shape, whether it decays, and the scale of its gradients: the last are so small that epsilon decides the step.
TENSORS = [("weight.0", (7, 11), True, 2.0), ("weight.1", (5, 3), True, 1e-2), ("bias.0", (11,), False, 0.3), ("bias.1", (6,), False, 2e-8)]


def learning_rate(step, peak):
    """Five steps of warmup, then a cosine to a tenth of the peak."""
    cosine = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / STEPS))
    return peak * cosine * min(1.0, (step + 1) / 5)


def gradient_scale(step):
    """Calm, then a spike at step 6 and a lull from step 12 on."""
    return 50.0 if step == 6 else 0.05 if step >= 12 else 1.0


def adamw(name, beta1, beta2, epsilon, decay, peak, max_norm=None, plain_rate_scale=1.0):
    case = Case(name, steps=STEPS, beta1=beta1, beta2=beta2, epsilon=epsilon, weightDecay=decay, plainRateScale=plain_rate_scale)
    rates = [learning_rate(step, peak) for step in range(STEPS)]
    case.series(learningRates=rates)
    start = {tensor: case.input(tensor, *shape) for tensor, shape, _, _ in TENSORS}
    gradients = [
        {tensor: case.input(f"{tensor}.grad.{step}", *shape, scale=scale * gradient_scale(step)) for tensor, shape, _, scale in TENSORS}
        for step in range(STEPS)]
    true_run = adamw_run(start, gradients, rates, (beta1, beta2), epsilon, decay, max_norm, plain_rate_scale, torch.float64)
    torch_run = adamw_run(start, gradients, rates, (beta1, beta2), epsilon, decay, max_norm, plain_rate_scale, torch.float32)
    if max_norm is not None:
        case.numbers(maxNorm=max_norm)
        case.series(norms=true_run["norms"])
        assert min(true_run["norms"]) < max_norm * 0.99 and max(true_run["norms"]) > max_norm * 1.01, "the clip must act on some steps only"
    for step in (1, 2, 7, STEPS):
        case.outputs(**{f"{tensor}@{step}": value for tensor, value in true_run["parameters"][step].items()})
    for tensor, _, _, _ in TENSORS:
        case.outputs(**{
            f"{tensor}.m": true_run["first"][tensor], f"{tensor}.v": true_run["second"][tensor],
            f"{tensor}.torch": torch_run["parameters"][STEPS][tensor]})
    return case


def adamw_run(start, gradients, rates, betas, epsilon, decay, max_norm, plain_rate_scale, dtype):
    """torch.optim.AdamW with two groups; the clip before each step is exact in double, PyTorch's own in float32."""
    parameters = {name: torch.nn.Parameter(value.detach().to(dtype).clone()) for name, value in start.items()}
    decaying = [parameters[name] for name, _, decays, _ in TENSORS if decays]
    plain = [parameters[name] for name, _, decays, _ in TENSORS if not decays]
    optimizer = torch.optim.AdamW(
        [{"params": decaying, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}], lr=1.0, betas=betas, eps=epsilon)
    run = {"parameters": {}, "norms": []}
    for step, rate in enumerate(rates):
        optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"] = rate, rate * plain_rate_scale
        for name, parameter in parameters.items():
            parameter.grad = gradients[step][name].detach().to(dtype).clone()
        if max_norm is not None:
            run["norms"].append(clip_in_place(list(parameters.values()), max_norm))
        optimizer.step()
        run["parameters"][step + 1] = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    run["first"] = {name: optimizer.state[parameter]["exp_avg"] for name, parameter in parameters.items()}
    run["second"] = {name: optimizer.state[parameter]["exp_avg_sq"] for name, parameter in parameters.items()}
    return run


def clip_in_place(parameters, max_norm):
    """Clips by the exact formula when gradients are double, by clip_grad_norm_ when they are float; returns the norm before."""
    if parameters[0].dtype == torch.float32:
        return torch.nn.utils.clip_grad_norm_(parameters, max_norm).item()
    norm = exact_norm([parameter.grad for parameter in parameters])
    coefficient = exact_coefficient(norm, max_norm)
    for parameter in parameters:
        parameter.grad.mul_(coefficient)
    return norm


def adamw_cases():
    return [
        adamw("no clip", 0.9, 0.999, 1e-8, decay=0.1, peak=1e-2),
        adamw("clip before each step", 0.9, 0.99, 1e-8, decay=0.1, peak=1e-2, max_norm=5.0),
        adamw("epsilon that matters", 0.8, 0.95, 1e-3, decay=0.01, peak=3e-2),
        adamw("no decay, half the rate for plain tensors", 0.9, 0.999, 1e-8, decay=0.0, peak=1e-3, plain_rate_scale=0.5),
    ]


def cases():
    yield "clip.json", "Global-norm clipping: exact in double, and clip_grad_norm_ in float32.", clip_cases()
    yield "adamw.json", "AdamW, 20 steps, two groups.", adamw_cases()
