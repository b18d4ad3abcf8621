using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Andrea.TorchSharp.Tests;

/// <summary>The code of the bridge's README, so that it is compiled, in a file that also uses TorchSharp.Modules.</summary>
internal static class ReadmeExamples
{
    /// <summary>What both namespaces call AdamW must be TorchSharp's.</summary>
    public static AdamW Theirs(nn.Module model) => optim.AdamW(model.parameters());

    public static void Train(nn.Module model, Func<Tensor> computeLoss)
    {
        using var optimizer = Fused.AdamW(model.parameters(), lr: 3e-4, weight_decay: 0.1, max_norm: 1.0); // was torch.optim.AdamW
        for (int step = 0; step < 10; step++)
        {
            optimizer.zero_grad();
            using Tensor loss = computeLoss();
            loss.backward();
            optimizer.step(); // was clip_grad_norm_ and step
        }
    }
}
