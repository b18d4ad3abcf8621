using Andrea.Tensors;

namespace Andrea.Backends;

/// <summary>Forward and backward of every layer of a GPT. "d" before a name means the loss's gradient with respect to it.</summary>
/// <remarks>Gradients of parameters are always added to what is there, so that micro-batches accumulate.</remarks>
internal interface IModelOps
{
    /// <summary>output[b, t, :] = tokenTable[tokens[b, t], :] + positionTable[firstPosition + t, :]</summary>
    /// <param name="tokens">(B, T) token ids, each in [0, V).</param>
    /// <param name="tokenTable">(V, C).</param>
    /// <param name="positionTable">(maximum T, C).</param>
    /// <param name="firstPosition">Position of t = 0; above 0 only when text is generated step by step.</param>
    /// <param name="batch">B.</param><param name="tokenCount">T.</param><param name="channels">C.</param>
    /// <param name="output">(B, T, C) out.</param>
    void EmbeddingForward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output);

    /// <summary>dTokenTable[tokens[b, t], :] += dOutput[b, t, :]; dPositionTable[t, :] += sum over b of dOutput[b, t, :]; in an order
    /// that depends on the tokens alone.</summary>
    /// <param name="dOutput">(B, T, C).</param><param name="tokens">(B, T).</param>
    /// <param name="batch">B.</param><param name="tokenCount">T.</param><param name="channels">C.</param>
    /// <param name="dTokenTable">(V, C) accumulates.</param><param name="dPositionTable">(maximum T, C) accumulates.</param>
    void EmbeddingBackward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable);

    /// <summary>Normalises each row; see <see cref="NormKind"/> for the formulas.</summary>
    /// <param name="kind">LayerNorm or RMSNorm.</param>
    /// <param name="input">(rows, C).</param><param name="weight">(C).</param><param name="bias">(C), or none.</param><param name="epsilon">Under the root.</param>
    /// <param name="rows">Number of rows.</param><param name="channels">C.</param>
    /// <param name="output">(rows, C) out.</param>
    /// <param name="mean">(rows) out: the row's mean; not written for RMSNorm.</param>
    /// <param name="inverseScale">(rows) out: 1 / sqrt(variance + eps), or 1 / sqrt(mean square + eps); for the backward pass.</param>
    void NormForward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels, Tensor output, Tensor mean, Tensor inverseScale);

    /// <summary>Backward of <see cref="NormForward"/>. With n = normalised input and h = weight * dOutput:
    /// dInput += inverseScale * (h - mean(h) - n * mean(h * n)), without mean(h) for RMSNorm; dWeight += sum over rows of dOutput * n; dBias += sum of dOutput.</summary>
    /// <param name="kind">LayerNorm or RMSNorm.</param>
    /// <param name="dOutput">(rows, C).</param><param name="input">(rows, C), as given forward.</param><param name="weight">(C).</param>
    /// <param name="mean">(rows).</param><param name="inverseScale">(rows).</param>
    /// <param name="rows">Number of rows.</param><param name="channels">C.</param>
    /// <param name="dInput">(rows, C) accumulates: the residual stream's gradient is already there.</param>
    /// <param name="dWeight">(C) accumulates.</param><param name="dBias">(C) accumulates, or none.</param>
    void NormBackward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias);

    /// <summary>output = input weight^T + bias + residual. 2 rows I O floating-point operations.</summary>
    /// <param name="input">(rows, I).</param><param name="weight">(O, I), one row per output, as in PyTorch's Linear.</param>
    /// <param name="bias">(O), or none.</param><param name="residual">(rows, O), or none; may be the same memory as the output.</param>
    /// <param name="rows">Number of rows.</param><param name="inputSize">I.</param><param name="outputSize">O.</param>
    /// <param name="output">(rows, O) out.</param>
    void LinearForward(
        Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output);

    /// <summary>dInput = dOutput weight.</summary>
    /// <param name="dOutput">(rows, O).</param><param name="weight">(O, I).</param>
    /// <param name="rows">Number of rows.</param><param name="inputSize">I.</param><param name="outputSize">O.</param>
    /// <param name="dInput">(rows, I) out, overwritten.</param>
    void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput);

    /// <summary>dWeight += dOutput^T input; dBias += sum over rows of dOutput.</summary>
    /// <param name="dOutput">(rows, O).</param><param name="input">(rows, I).</param>
    /// <param name="rows">Number of rows.</param><param name="inputSize">I.</param><param name="outputSize">O.</param>
    /// <param name="dWeight">(O, I) accumulates.</param><param name="dBias">(O) accumulates, or none.</param>
    void LinearBackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias);

    /// <summary>output = f(input), element by element; see <see cref="ActivationKind"/>.</summary>
    /// <param name="kind">GELU or ReLU.</param><param name="input">(N).</param><param name="length">N.</param><param name="output">(N) out; may be the input.</param>
    void ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output);

    /// <summary>dInput = dOutput * f'(input), element by element. For ReLU 0 where input &lt;= 0, whatever dOutput holds.</summary>
    /// <param name="kind">GELU or ReLU.</param><param name="input">(N), as given forward.</param><param name="dOutput">(N).</param><param name="length">N.</param>
    /// <param name="dInput">(N) out; may be dOutput.</param>
    void ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput);

    /// <summary>A linear layer and the activation after it: hidden = input weight^T + bias; activated = f(hidden), element by element.</summary>
    /// <remarks>The same bits as <see cref="LinearForward"/> without residual, then <see cref="ActivationForward"/>, which this does unless a
    /// backend knows how to spare the pass over memory.</remarks>
    /// <param name="kind">GELU or ReLU.</param><param name="input">(rows, I).</param><param name="weight">(O, I).</param><param name="bias">(O), or none.</param>
    /// <param name="rows">Number of rows.</param><param name="inputSize">I.</param><param name="outputSize">O.</param>
    /// <param name="hidden">(rows, O) out; for the backward pass.</param><param name="activated">(rows, O) out; may be <paramref name="hidden"/>.</param>
    void LinearActivationForward(
        ActivationKind kind, Tensor input, Tensor weight, Tensor bias, int rows, int inputSize, int outputSize, Tensor hidden, Tensor activated)
    {
        LinearForward(input, weight, bias, Tensor.None, rows, inputSize, outputSize, hidden);
        ActivationForward(kind, hidden, (long)rows * outputSize, activated);
    }

    /// <summary>Backward of an activation and the linear layer after it: dHidden = (dOutput weight) * f'(hidden).</summary>
    /// <remarks>The same bits as <see cref="LinearBackwardInput"/>, then <see cref="ActivationBackward"/> in place, which this does unless a
    /// backend knows how to spare the pass over memory.</remarks>
    /// <param name="kind">GELU or ReLU.</param><param name="dOutput">(rows, O).</param><param name="weight">(O, I).</param>
    /// <param name="hidden">(rows, I), what the activation was given forward.</param>
    /// <param name="rows">Number of rows.</param><param name="inputSize">I.</param><param name="outputSize">O.</param>
    /// <param name="dHidden">(rows, I) out, overwritten.</param>
    void LinearActivationBackwardInput(
        ActivationKind kind, Tensor dOutput, Tensor weight, Tensor hidden, int rows, int inputSize, int outputSize, Tensor dHidden)
    {
        LinearBackwardInput(dOutput, weight, rows, inputSize, outputSize, dHidden);
        ActivationBackward(kind, hidden, dHidden, (long)rows * inputSize, dHidden);
    }

    /// <summary>Causal self-attention: output[t] = sum over s &lt;= t of softmax(q[t] k[s] / sqrt(D)) v[s], per sequence and head.
    /// Never holds T x T scores (Dao et al. 2022, arXiv:2205.14135).</summary>
    /// <param name="qkv">(B, T, 3, H, D): queries, keys, values of each token side by side.</param>
    /// <param name="batch">B.</param><param name="tokenCount">T.</param><param name="heads">H.</param><param name="headSize">D.</param>
    /// <param name="output">(B, T, H, D) out.</param>
    /// <param name="logSumExp">(B, H, T) out: log of the softmax's denominator, over scaled scores; for the backward pass.</param>
    void AttentionForward(Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp);

    /// <summary>Backward of <see cref="AttentionForward"/>; recomputes the scores from <paramref name="logSumExp"/>.</summary>
    /// <param name="dOutput">(B, T, H, D).</param><param name="qkv">(B, T, 3, H, D).</param><param name="output">(B, T, H, D), as written forward.</param>
    /// <param name="logSumExp">(B, H, T).</param>
    /// <param name="batch">B.</param><param name="tokenCount">T.</param><param name="heads">H.</param><param name="headSize">D.</param>
    /// <param name="dQkv">(B, T, 3, H, D) out, overwritten.</param>
    void AttentionBackward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv);

    /// <summary>Attention of one new token over a key/value cache: stores the token's key and value at <paramref name="position"/>,
    /// then attends over positions 0 to <paramref name="position"/>.</summary>
    /// <param name="qkv">(3, H, D) of the new token.</param><param name="position">0-based position of the token.</param>
    /// <param name="heads">H.</param><param name="headSize">D.</param>
    /// <param name="keyCache">(H, maximum T, D) in and out.</param><param name="valueCache">(H, maximum T, D) in and out.</param>
    /// <param name="output">(H, D) out.</param>
    void AttentionDecode(Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output);

    /// <summary>losses[r] = log(sum over j of exp(logits[r, j])) - logits[r, targets[r]]: cross-entropy in nats.</summary>
    /// <param name="logits">(rows, V).</param><param name="targets">(rows), each in [0, V).</param>
    /// <param name="rows">Number of rows.</param><param name="vocabulary">V.</param>
    /// <param name="losses">(rows) out.</param>
    void CrossEntropyForward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses);

    /// <summary><see cref="CrossEntropyForward"/>, and its gradient written over the logits: (softmax(logits) - onehot(target)) * gradientScale.
    /// No second array of the logits' size exists.</summary>
    /// <param name="targets">(rows), each in [0, V).</param><param name="gradientScale">Usually 1 / (rows * micro-batches).</param>
    /// <param name="rows">Number of rows.</param><param name="vocabulary">V.</param>
    /// <param name="logits">(rows, V) in; out: dLogits.</param><param name="losses">(rows) out.</param>
    /// <param name="zeroSum">Whether the target's gradient is minus the sum of the row's others, taken in double and rounded once, in an order
    /// that depends on V alone, so that a row sums to 0 but for that rounding. Otherwise it is rounded from its own formula, which gives 0 where
    /// the target's share rounds to 1.</param>
    void CrossEntropyForwardBackward(
        DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses, bool zeroSum = false);

    /// <summary>margins[r] = logits[r, targets[r]] - largest other logit of the row; +Infinity where there is none. The same bits everywhere.</summary>
    /// <param name="logits">(rows, V); NaN counts as nothing, but at the target.</param><param name="targets">(rows), each in [0, V).</param>
    /// <param name="rows">Number of rows.</param><param name="vocabulary">V.</param>
    /// <param name="margins">(rows) out.</param>
    void LogitMargins(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, DeviceBuffer<float> margins);

    /// <summary>sums[r] = sum of a row, in double. The same bits everywhere.</summary>
    /// <param name="values">(rows, columns).</param><param name="rows">Number of rows.</param><param name="columns">Elements of a row.</param>
    /// <param name="sums">(rows) out.</param>
    /// <remarks>Element j is added to accumulator j mod 256, j ascending. Each 32 accumulators are joined by halves: a[i] += a[i + 16], then + 8, 4,
    /// 2, 1; then their 8 sums likewise: + 4, 2, 1.</remarks>
    void RowSums(Tensor values, int rows, int columns, DeviceBuffer<double> sums);

    /// <summary>sum += scale * (sum over i of values[i]), in double, in an order that depends on N alone. It is each backend's own: two may
    /// differ in the last bits.</summary>
    /// <param name="values">(N).</param><param name="length">N.</param><param name="scale">Factor on the sum.</param><param name="sum">(1) accumulates.</param>
    void AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum);
}
