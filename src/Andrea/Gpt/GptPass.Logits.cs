using Andrea.Tensors;

namespace Andrea.Gpt;

public sealed partial class GptPass
{
    // Where the next backward pass leaves what it finds about its logits; null, as after each, finds nothing.
    private DeviceBuffer<float>? _margins;
    private DeviceBuffer<double>? _gradientSums;

    /// <summary>Whether the gradient of the target's logit is minus the sum of all others, instead of being rounded for itself.</summary>
    /// <value>False</value>
    /// <remarks>The gradients of a token's logits sum to 0. In float32 that of the target becomes exactly 0 once its logit stands 16 above the
    /// others, while theirs are not: the head's rows then drift together, and with Adam, whatever the size of a gradient, without end
    /// (arXiv:2605.06152). With this the sum stays 0 to float32's last bit. Costs one more pass over logits that lie in the cache.</remarks>
    public bool ZeroSumGradient { get; set; }

    /// <summary>(B T) number of rows of logits.</summary>
    internal int Rows => _rows;

    /// <summary>(B, T, C) what the head reads, as the last <see cref="Forward"/> left it.</summary>
    internal Tensor Features => _activations.FinalNorm;

    /// <summary>Has the next backward pass, and no other, look at its logits.</summary>
    /// <param name="margins">(rows) out: target's logit minus the largest other.</param>
    /// <param name="gradientSums">(rows) out: sum of the gradients of a row's logits.</param>
    internal void MeasureNext(DeviceBuffer<float> margins, DeviceBuffer<double> gradientSums) => (_margins, _gradientSums) = (margins, gradientSums);

    private void MeasureMargins(LogitChunk chunk)
    {
        if (_margins is not null)
            _backend.LogitMargins(chunk.Logits, chunk.Targets, chunk.Rows, _config.VocabularySize, chunk.PartOf(_margins, ref chunk.Margins));
    }

    private void MeasureGradientSums(LogitChunk chunk)
    {
        if (_gradientSums is not null)
            _backend.RowSums(chunk.Logits, chunk.Rows, _config.VocabularySize, chunk.PartOf(_gradientSums, ref chunk.GradientSums));
    }
}
