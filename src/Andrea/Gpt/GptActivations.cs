using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>What one block remembers from forward to backward.</summary>
internal sealed class BlockActivations(ActivationArena arena, GptConfig config, int batchSize, int tokenCount)
{
    /// <summary>(B, T, C) first norm's output.</summary>
    public Tensor Norm1 { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    /// <summary>(B T) each.</summary>
    public Tensor Norm1Mean { get; } = arena.Take(batchSize * tokenCount);

    public Tensor Norm1InverseScale { get; } = arena.Take(batchSize * tokenCount);

    /// <summary>(B, T, 3 C).</summary>
    public Tensor Qkv { get; } = arena.Take(batchSize, tokenCount, 3 * config.ChannelCount);

    /// <summary>(B, T, C) heads' outputs, before the projection.</summary>
    public Tensor Attention { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    /// <summary>(B, H, T).</summary>
    public Tensor LogSumExp { get; } = arena.Take(batchSize, config.HeadCount, tokenCount);

    /// <summary>(B, T, C) residual stream between attention and MLP.</summary>
    public Tensor Middle { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    /// <summary>(B, T, C) second norm's output.</summary>
    public Tensor Norm2 { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    public Tensor Norm2Mean { get; } = arena.Take(batchSize * tokenCount);

    public Tensor Norm2InverseScale { get; } = arena.Take(batchSize * tokenCount);

    /// <summary>(B, T, 4 C) before the activation.</summary>
    public Tensor Hidden { get; } = arena.Take(batchSize, tokenCount, config.HiddenCount);

    /// <summary>(B, T, 4 C) after the activation.</summary>
    public Tensor Activated { get; } = arena.Take(batchSize, tokenCount, config.HiddenCount);

    /// <summary>(B, T, C) residual stream after the block.</summary>
    public Tensor Output { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);
}

/// <summary>Everything between a pass's inputs and its loss, allocated once for one batch shape.</summary>
internal sealed class GptActivations(ActivationArena arena, GptConfig config, int batchSize, int tokenCount)
{
    /// <summary>(B, T, C).</summary>
    public Tensor Embedded { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    public BlockActivations[] Blocks { get; } =
        [.. Enumerable.Range(0, config.LayerCount).Select(_ => new BlockActivations(arena, config, batchSize, tokenCount))];

    /// <summary>(B, T, C).</summary>
    public Tensor FinalNorm { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    public Tensor FinalMean { get; } = arena.Take(batchSize * tokenCount);

    public Tensor FinalInverseScale { get; } = arena.Take(batchSize * tokenCount);

    /// <summary>(B T) loss of every position.</summary>
    public Tensor Losses { get; } = arena.Take(batchSize * tokenCount);
}

/// <summary>Gradients of activations; each is used again by every block.</summary>
internal sealed class GptActivationGradients(ActivationArena arena, GptConfig config, int batchSize, int tokenCount)
{
    /// <summary>(B, T, C) of the residual stream.</summary>
    public Tensor Residual { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    /// <summary>(B, T, C) of whatever feeds a linear layer: a norm's output, or the heads' outputs.</summary>
    public Tensor Channels { get; } = arena.Take(batchSize, tokenCount, config.ChannelCount);

    /// <summary>(B, T, 3 C).</summary>
    public Tensor Qkv { get; } = arena.Take(batchSize, tokenCount, 3 * config.ChannelCount);

    /// <summary>(B, T, 4 C).</summary>
    public Tensor Hidden { get; } = arena.Take(batchSize, tokenCount, config.HiddenCount);
}

/// <summary>Hands out device memory for activations and frees all of it together.</summary>
internal sealed class ActivationArena(Device device) : IDisposable
{
    private readonly List<DeviceBuffer<float>> _buffers = [];

    public Tensor Take(params ReadOnlySpan<long> shape)
    {
        var tensorShape = new TensorShape(shape);
        DeviceBuffer<float> buffer = device.Backend.Allocate<float>(tensorShape.Length);
        _buffers.Add(buffer);
        return new Tensor(buffer, 0, tensorShape);
    }

    public void Dispose()
    {
        foreach (DeviceBuffer<float> buffer in _buffers)
            buffer.Dispose();
    }
}
