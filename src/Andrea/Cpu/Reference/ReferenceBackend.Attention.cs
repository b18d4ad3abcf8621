using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void AttentionForward(Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp)
    {
        Span<float> outputs = View(output), logSumExps = View(logSumExp);
        var weights = new double[tokenCount];
        for (int b = 0; b < batch; b++)
        {
            for (int h = 0; h < heads; h++)
            {
                var head = new HeadView(View(qkv), b, h, tokenCount, heads, headSize);
                for (int t = 0; t < tokenCount; t++)
                {
                    for (int s = 0; s <= t; s++)
                        weights[s] = head.Score(t, s);
                    logSumExps[(b * heads + h) * tokenCount + t] = (float)Softmax(weights.AsSpan(0, t + 1));
                    for (int d = 0; d < headSize; d++)
                    {
                        double sum = 0;
                        for (int s = 0; s <= t; s++)
                            sum += weights[s] * head.Value(s)[d];
                        outputs[((b * tokenCount + t) * heads + h) * headSize + d] = (float)sum;
                    }
                }
            }
        }
    }

    public void AttentionBackward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv)
    {
        for (int b = 0; b < batch; b++)
        {
            for (int h = 0; h < heads; h++)
            {
                var head = new HeadView(View(qkv), b, h, tokenCount, heads, headSize);
                var dHead = new HeadView(View(dQkv), b, h, tokenCount, heads, headSize);
                AttentionBackward(View(dOutput), head, View(output), tokenCount, (b * tokenCount * heads + h) * headSize, dHead);
            }
        }
    }

    /// <summary>One head: dValue[s] = sum over t of w[t, s] dOutput[t];
    /// dScore[t, s] = w[t, s] (dOutput[t] value[s] - dOutput[t] output[t]).</summary>
    /// <remarks>The weights are made from the scores again: exp(score - logSumExp) is far from them where scores are so large that a float
    /// cannot hold their logSumExp to a small part of 1.</remarks>
    private static void AttentionBackward(
        ReadOnlySpan<float> dOutputs, HeadView head, ReadOnlySpan<float> outputs, int tokenCount, int offset, HeadView dHead)
    {
        int size = head.HeadSize, stride = head.Heads * size;
        var weights = new double[tokenCount];
        double[] dQueries = new double[tokenCount * size], dKeys = new double[tokenCount * size], dValues = new double[tokenCount * size];
        for (int t = 0; t < tokenCount; t++)
        {
            ReadOnlySpan<float> dOutput = dOutputs.Slice(offset + t * stride, size);
            double delta = Dot(dOutput, outputs.Slice(offset + t * stride, size));
            for (int s = 0; s <= t; s++)
                weights[s] = head.Score(t, s);
            Softmax(weights.AsSpan(0, t + 1));
            for (int s = 0; s <= t; s++)
            {
                double weight = weights[s];
                double dScore = weight * (Dot(dOutput, head.Value(s)) - delta) / Math.Sqrt(size);
                for (int d = 0; d < size; d++)
                {
                    dQueries[t * size + d] += dScore * head.Key(s)[d];
                    dKeys[s * size + d] += dScore * head.Query(t)[d];
                    dValues[s * size + d] += weight * dOutput[d];
                }
            }
        }
        for (int t = 0; t < tokenCount; t++)
        {
            for (int d = 0; d < size; d++)
            {
                dHead.Query(t)[d] = (float)dQueries[t * size + d];
                dHead.Key(t)[d] = (float)dKeys[t * size + d];
                dHead.Value(t)[d] = (float)dValues[t * size + d];
            }
        }
    }

    public void AttentionDecode(Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output)
    {
        int maximum = (int)keyCache.Shape[1];
        Span<float> keys = View(keyCache), values = View(valueCache);
        var weights = new double[position + 1];
        for (int h = 0; h < heads; h++)
        {
            var token = new HeadView(View(qkv), 0, h, 1, heads, headSize);
            token.Key(0).CopyTo(keys[((h * maximum + position) * headSize)..]);
            token.Value(0).CopyTo(values[((h * maximum + position) * headSize)..]);
            for (int s = 0; s <= position; s++)
                weights[s] = Dot(token.Query(0), keys.Slice((h * maximum + s) * headSize, headSize)) / Math.Sqrt(headSize);
            Softmax(weights);
            for (int d = 0; d < headSize; d++)
            {
                double sum = 0;
                for (int s = 0; s <= position; s++)
                    sum += weights[s] * values[(h * maximum + s) * headSize + d];
                View(output)[h * headSize + d] = (float)sum;
            }
        }
    }

    /// <summary>Turns scores into weights that sum to 1; returns the logarithm of the sum of exp(score).
    /// All -Inf gives NaN weights and -Inf.</summary>
    private static double Softmax(Span<double> scores)
    {
        double maximum = double.NegativeInfinity;
        foreach (double score in scores)
            maximum = Math.Max(maximum, score);
        double shift = double.IsNegativeInfinity(maximum) ? 0 : maximum;
        double sum = 0;
        foreach (ref double score in scores)
            sum += score = Math.Exp(score - shift);
        foreach (ref double score in scores)
            score /= sum;
        return shift + Math.Log(sum);
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }

    /// <summary>One head of one sequence in a tensor of shape (B, T, 3, H, D).</summary>
    private readonly ref struct HeadView(Span<float> qkv, int sequence, int head, int tokenCount, int heads, int headSize)
    {
        private readonly Span<float> _qkv = qkv;

        public int Heads => heads;

        public int HeadSize => headSize;

        public Span<float> Query(int token) => Row(token, 0);

        public Span<float> Key(int token) => Row(token, 1);

        public Span<float> Value(int token) => Row(token, 2);

        public double Score(int query, int key) => Dot(Query(query), Key(key)) / Math.Sqrt(headSize);

        private Span<float> Row(int token, int part) =>
            _qkv.Slice((((sequence * tokenCount + token) * 3 + part) * heads + head) * headSize, headSize);
    }
}
