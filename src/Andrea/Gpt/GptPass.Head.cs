using System.Diagnostics;
using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>The head and the loss, chunk by chunk.</summary>
public sealed partial class GptPass
{
    private readonly LogitChunk[] _chunks;

    // All of a batch's logits, where the chunks hold fewer, once somebody has asked for them.
    private Tensor _allLogits;

    /// <summary>(B, T, V) as the last <see cref="Forward"/> left them. <see cref="Evaluate"/> and <see cref="ForwardBackward"/> keep only the logits that
    /// they are at, and may write over these.</summary>
    /// <value>Where B T V is above 64 million allocated at the first use, beside those of a chunk, until the pass is disposed; undefined before the first <see cref="Forward"/>.</value>
    /// <exception cref="ObjectDisposedException">This pass, the model or the device has been disposed.</exception>
    public Tensor Logits
    {
        get
        {
            ThrowIfDisposed();
            if (_allLogits.IsNone)
                _allLogits = _chunks.Length == 1
                    ? _chunks[0].Logits.As(BatchSize, TokenCount, _config.VocabularySize)
                    : _arena.Take(BatchSize, TokenCount, _config.VocabularySize);
            return _allLogits;
        }
    }

    private void EvaluateHead()
    {
        foreach (LogitChunk chunk in _chunks)
        {
            HeadForward(chunk.FinalNorm, chunk.Rows, chunk.Logits);
            _backend.CrossEntropyForward(chunk.Logits, chunk.Targets, chunk.Rows, _config.VocabularySize, chunk.Losses);
        }
    }

    /// <summary>Losses, the head's gradient, and that of what the head reads.</summary>
    private void HeadForwardBackward(double weight, LinearTensors gradients, Tensor dFinalNorm)
    {
        LinearTensors head = _parameters.Head;
        Debug.Assert(head.Bias.IsNone, "sums of a bias's gradient over rows are cut otherwise than chunks are");
        foreach (LogitChunk chunk in _chunks)
        {
            HeadForward(chunk.FinalNorm, chunk.Rows, chunk.Logits);
            MeasureMargins(chunk);
            _backend.CrossEntropyForwardBackward(
                chunk.Targets, (float)weight, chunk.Rows, _config.VocabularySize, chunk.Logits, chunk.Losses, ZeroSumGradient);
            MeasureGradientSums(chunk);
            _backend.LinearBackwardWeight(chunk.Logits, chunk.FinalNorm, chunk.Rows, head.InputSize, head.OutputSize, gradients.Weight, gradients.Bias);
            _backend.LinearBackwardInput(
                chunk.Logits, head.Weight, chunk.Rows, head.InputSize, head.OutputSize, dFinalNorm.Part(chunk.FirstRow, chunk.Rows));
        }
        _margins = null;
        _gradientSums = null;
    }

    private void HeadForward(Tensor input, int rows, Tensor logits) =>
        _backend.LinearForward(input, _parameters.Head.Weight, _parameters.Head.Bias, Tensor.None, rows, _parameters.Head.InputSize, _parameters.Head.OutputSize, logits);
}
