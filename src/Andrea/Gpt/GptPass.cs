using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>Forward and backward of a model over batches of one shape (B, T): holds the activations, adds to the model's gradients.</summary>
/// <remarks>
/// Memory: about (16 L + 12) B T C floats and the logits, which are B T V; where those are above 64 million, of as many blocks of 384 rows as fit 64 million, and of one at least.
/// Nothing is allocated after the first backward pass, but for all logits where they are asked for (<see cref="Logits"/>). Loss and gradients are means over all positions;
/// several micro-batches accumulate into one step. Not thread-safe.
/// </remarks>
public sealed partial class GptPass : IDisposable
{
    private readonly GptModel _model;
    private readonly GptConfig _config;
    private readonly IBackend _backend;
    private readonly GptTensors _parameters;
    private readonly ActivationArena _arena;
    private readonly GptActivations _activations;
    private readonly DeviceBuffer<int> _inputs, _targets;
    private readonly int _rows;
    private readonly OwnedMemory _owned = new();
    private GptTensors? _gradients;
    private GptActivationGradients? _activationGradients;
    private bool _disposed;

    /// <summary>Allocates the activations of one batch shape.</summary>
    /// <param name="model">The model; not owned.</param>
    /// <param name="batchSize">B, sequences in a batch.</param>
    /// <param name="tokenCount">T, tokens in a sequence; at most the model's context length.</param>
    /// <exception cref="ArgumentOutOfRangeException">B or T is below 1, or T exceeds the context length.</exception>
    public GptPass(GptModel model, int batchSize, int tokenCount)
        : this(model, batchSize, tokenCount, LogitChunk.DefaultBudget)
    {
    }

    /// <summary>Allocates the activations of one batch shape, with the logits of a chunk of about so many floats.</summary>
    internal GptPass(GptModel model, int batchSize, int tokenCount, long logitBudget)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (tokenCount < 1 || tokenCount > model.Config.ContextLength)
            throw new ArgumentOutOfRangeException(
                nameof(tokenCount), tokenCount, $"Sequences of {tokenCount} tokens were asked for; this model takes 1 to {model.Config.ContextLength}.");
        _model = model;
        _config = model.Config;
        _backend = model.Device.Backend;
        BatchSize = batchSize;
        TokenCount = tokenCount;
        _rows = checked(batchSize * tokenCount);
        _parameters = new GptTensors(model.Parameters, _config);
        try
        {
            _arena = _owned.Add(new ActivationArena(model.Device));
            _activations = new GptActivations(_arena, _config, batchSize, tokenCount);
            _inputs = _owned.Add(_backend.Allocate<int>(_rows));
            _targets = _owned.Add(_backend.Allocate<int>(_rows));
            LossOnDevice = _owned.Add(_backend.Allocate<double>(1));
            Tensor logits = _arena.Take(LogitChunk.RowsFor(_rows, _config.VocabularySize, logitBudget), _config.VocabularySize);
            _chunks = LogitChunk.Cut(_activations, _targets, logits, _rows);
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>B, sequences in a batch.</summary>
    public int BatchSize { get; }

    /// <summary>T, tokens in a sequence.</summary>
    public int TokenCount { get; }

    /// <summary>(1) Sum of the losses since <see cref="ResetLoss"/>, on the device.</summary>
    internal DeviceBuffer<double> LossOnDevice { get; }

    /// <summary>Computes the logits of every position.</summary>
    /// <param name="inputs">(B, T) token ids, row by row, each in [0, V).</param>
    /// <exception cref="ArgumentException">The number of tokens is not B T, or a token is outside the vocabulary.</exception>
    /// <exception cref="ObjectDisposedException">This pass, the model or the device has been disposed.</exception>
    public void Forward(ReadOnlySpan<int> inputs)
    {
        ForwardToHead(inputs);
        HeadForward(_activations.FinalNorm, _rows, Logits);
        // Kernels hold addresses, not objects: what owns the memory must outlive them.
        GC.KeepAlive(this);
    }

    /// <summary>Computes what the head reads at every position, and no logits.</summary>
    internal void ForwardToHead(ReadOnlySpan<int> inputs)
    {
        ThrowIfDisposed();
        Upload(inputs, _inputs, nameof(inputs));
        GptActivations a = _activations;
        _backend.EmbeddingForward(
            _inputs, _parameters.TokenTable, _parameters.PositionTable, firstPosition: 0, BatchSize, TokenCount, _config.ChannelCount, a.Embedded);
        Tensor residual = a.Embedded;
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            ForwardBlock(_parameters.Blocks[layer], a.Blocks[layer], residual);
            residual = a.Blocks[layer].Output;
        }
        Norm(_parameters.FinalNorm, residual, a.FinalNorm, a.FinalMean, a.FinalInverseScale);
        GC.KeepAlive(this);
    }

    /// <summary>Forward, then the mean loss of the batch is added to the loss. No gradients.</summary>
    /// <param name="inputs">(B, T) token ids.</param>
    /// <param name="targets">(B, T) the token that follows each position.</param>
    /// <param name="weight">Factor on the loss, such as 1 / number of batches.</param>
    /// <exception cref="ArgumentException">The number of inputs or targets is not B T, or one is outside the vocabulary.</exception>
    /// <exception cref="ObjectDisposedException">This pass, the model or the device has been disposed.</exception>
    public void Evaluate(ReadOnlySpan<int> inputs, ReadOnlySpan<int> targets, double weight = 1)
    {
        ThrowIfDisposed();
        Upload(targets, _targets, nameof(targets));
        ForwardToHead(inputs);
        EvaluateHead();
        _backend.AddSum(_activations.Losses, _rows, weight / _rows, LossOnDevice);
        GC.KeepAlive(this);
    }

    /// <summary>Forward and backward: adds the mean loss / micro-batches to the loss, and its gradient to the model's gradients.</summary>
    /// <param name="inputs">(B, T) token ids.</param>
    /// <param name="targets">(B, T) the token that follows each position.</param>
    /// <param name="microBatches">How many calls make up one optimizer step.</param>
    /// <exception cref="ArgumentException">The number of inputs or targets is not B T, or one is outside the vocabulary.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of micro-batches is below 1.</exception>
    /// <exception cref="ObjectDisposedException">This pass, the model or the device has been disposed.</exception>
    public void ForwardBackward(ReadOnlySpan<int> inputs, ReadOnlySpan<int> targets, int microBatches = 1)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfLessThan(microBatches, 1);
        Upload(targets, _targets, nameof(targets));
        ForwardToHead(inputs);
        _gradients ??= new GptTensors(_model.Gradients, _config);
        _activationGradients ??= new GptActivationGradients(_arena, _config, BatchSize, TokenCount);
        double weight = 1.0 / ((double)_rows * microBatches);
        HeadForwardBackward(weight, _gradients.Head, _activationGradients.Channels);
        _backend.AddSum(_activations.Losses, _rows, weight, LossOnDevice);
        Backward(_gradients, _activationGradients);
        GC.KeepAlive(this);
    }

    /// <summary>Sets the loss to 0.</summary>
    /// <exception cref="ObjectDisposedException">This pass has been disposed.</exception>
    public void ResetLoss()
    {
        ThrowIfDisposed();
        _backend.Store(0.0, LossOnDevice);
    }

    /// <summary>The loss since <see cref="ResetLoss"/>, in nats per token. Waits for the device.</summary>
    /// <returns>The sum of what was added; a mean where the weights or micro-batches make it one.</returns>
    /// <exception cref="ObjectDisposedException">This pass has been disposed.</exception>
    public double ReadLoss()
    {
        ThrowIfDisposed();
        Span<double> loss = stackalloc double[1];
        LossOnDevice.CopyTo(loss);
        return loss[0];
    }

    /// <summary>Frees the activations; the model is not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        _owned.Dispose();
    }

    private void ThrowIfDisposed()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _model.ThrowIfDisposed();
    }

    private void ForwardBlock(GptBlock p, BlockActivations a, Tensor input)
    {
        Norm(p.Norm1, input, a.Norm1, a.Norm1Mean, a.Norm1InverseScale);
        Linear(p.Qkv, a.Norm1, Tensor.None, a.Qkv);
        _backend.AttentionForward(a.Qkv, BatchSize, TokenCount, _config.HeadCount, _config.HeadSize, a.Attention, a.LogSumExp);
        Linear(p.AttentionProjection, a.Attention, residual: input, a.Middle);
        Norm(p.Norm2, a.Middle, a.Norm2, a.Norm2Mean, a.Norm2InverseScale);
        _backend.LinearActivationForward(
            _config.Activation, a.Norm2, p.Hidden.Weight, p.Hidden.Bias, _rows, p.Hidden.InputSize, p.Hidden.OutputSize, a.Hidden, a.Activated);
        Linear(p.MlpProjection, a.Activated, residual: a.Middle, a.Output);
    }

    /// <summary>From the gradient of what the head reads, in <see cref="GptActivationGradients.Channels"/>, down to the embeddings.</summary>
    private void Backward(GptTensors gradients, GptActivationGradients d)
    {
        GptActivations a = _activations;
        // Nothing above the final norm has written to the residual stream's gradient yet; norms add to it.
        _backend.Fill(0, d.Residual);
        Tensor last = a.Blocks[^1].Output;
        NormBackward(_parameters.FinalNorm, gradients.FinalNorm, d.Channels, last, a.FinalMean, a.FinalInverseScale, d.Residual);
        for (int layer = _config.LayerCount - 1; layer >= 0; layer--)
        {
            Tensor input = layer == 0 ? a.Embedded : a.Blocks[layer - 1].Output;
            BackwardBlock(_parameters.Blocks[layer], gradients.Blocks[layer], a.Blocks[layer], input, d);
        }
        _backend.EmbeddingBackward(
            d.Residual, _inputs, BatchSize, TokenCount, _config.ChannelCount, gradients.TokenTable, gradients.PositionTable);
    }

    private void BackwardBlock(GptBlock p, GptBlock dp, BlockActivations a, Tensor input, GptActivationGradients d)
    {
        LinearTensors projection = p.MlpProjection;
        LinearBackwardWeight(dp.MlpProjection, d.Residual, a.Activated);
        _backend.LinearActivationBackwardInput(
            _config.Activation, d.Residual, projection.Weight, a.Hidden, _rows, projection.InputSize, projection.OutputSize, d.Hidden);
        LinearBackward(p.Hidden, dp.Hidden, d.Hidden, a.Norm2, d.Channels);
        NormBackward(p.Norm2, dp.Norm2, d.Channels, a.Middle, a.Norm2Mean, a.Norm2InverseScale, d.Residual);
        LinearBackward(p.AttentionProjection, dp.AttentionProjection, d.Residual, a.Attention, d.Channels);
        _backend.AttentionBackward(
            d.Channels, a.Qkv, a.Attention, a.LogSumExp, BatchSize, TokenCount, _config.HeadCount, _config.HeadSize, d.Qkv);
        LinearBackward(p.Qkv, dp.Qkv, d.Qkv, a.Norm1, d.Channels);
        NormBackward(p.Norm1, dp.Norm1, d.Channels, input, a.Norm1Mean, a.Norm1InverseScale, d.Residual);
    }

    private void Norm(NormTensors p, Tensor input, Tensor output, Tensor mean, Tensor inverseScale) =>
        _backend.NormForward(_config.Norm, input, p.Weight, p.Bias, _config.NormEpsilon, _rows, _config.ChannelCount, output, mean, inverseScale);

    private void NormBackward(
        NormTensors p, NormTensors dp, Tensor dOutput, Tensor input, Tensor mean, Tensor inverseScale, Tensor dInput) =>
        _backend.NormBackward(
            _config.Norm, dOutput, input, p.Weight, mean, inverseScale, _rows, _config.ChannelCount, dInput, dp.Weight, dp.Bias);

    private void Linear(LinearTensors p, Tensor input, Tensor residual, Tensor output) =>
        _backend.LinearForward(input, p.Weight, p.Bias, residual, _rows, p.InputSize, p.OutputSize, output);

    private void LinearBackward(LinearTensors p, LinearTensors dp, Tensor dOutput, Tensor input, Tensor dInput)
    {
        LinearBackwardWeight(dp, dOutput, input);
        _backend.LinearBackwardInput(dOutput, p.Weight, _rows, p.InputSize, p.OutputSize, dInput);
    }

    private void LinearBackwardWeight(LinearTensors dp, Tensor dOutput, Tensor input) =>
        _backend.LinearBackwardWeight(dOutput, input, _rows, dp.InputSize, dp.OutputSize, dp.Weight, dp.Bias);

    private void Upload(ReadOnlySpan<int> tokens, DeviceBuffer<int> buffer, string parameter)
    {
        if (tokens.Length != _rows)
            throw new ArgumentException($"{tokens.Length} tokens were given; a batch of {BatchSize} sequences of {TokenCount} has {_rows}.", parameter);
        for (int i = 0; i < tokens.Length; i++)
            if ((uint)tokens[i] >= (uint)_config.VocabularySize)
                throw new ArgumentException(
                    $"Token {i} is {tokens[i]}; this model's vocabulary has the ids 0 to {_config.VocabularySize - 1}. Use the tokenizer it was trained with.", parameter);
        _backend.Upload(tokens, buffer);
    }
}
