using Andrea.TorchSharp;
using TorchSharp;
using static TorchSharp.torch;

// The same small network trained twice from the same start: by TorchSharp's clip and AdamW, and by Andrea's, which do both in one step.
Device device = cuda.is_available() ? CUDA : CPU;
double[] theirs = Train(andrea: false), ours = Train(andrea: true);
Console.WriteLine($"{"step",5}  {"TorchSharp",12}  {"Andrea",12}   (loss on {device.type})");
for (int i = 0; i < ours.Length; i += 20)
    Console.WriteLine($"{i,5}  {theirs[i],12:f8}  {ours[i],12:f8}");
Console.WriteLine($"largest difference {ours.Zip(theirs, (a, b) => Math.Abs(a - b)).Max():e1}");

double[] Train(bool andrea)
{
    manual_seed(1);
    using var model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 1)).to(device);
    using optim.Optimizer optimizer = andrea
        ? Fused.AdamW(model.parameters(), lr: 1e-2, weight_decay: 0.01, max_norm: 0.5)
        : optim.AdamW(model.parameters(), lr: 1e-2, weight_decay: 0.01);
    var losses = new double[201];
    for (int step = 0; step < losses.Length; step++)
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(64, 2).to(device), y = x.prod(1, keepdim: true);
        Tensor loss = nn.functional.mse_loss(model.call(x), y);
        optimizer.zero_grad();
        loss.backward();
        if (!andrea)
            nn.utils.clip_grad_norm_(model.parameters(), 0.5);
        optimizer.step();
        losses[step] = loss.item<float>();
    }
    return losses;
}
