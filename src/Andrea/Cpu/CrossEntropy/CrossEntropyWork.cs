using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;
using Andrea.Numerics;

namespace Andrea.Cpu.CrossEntropy;

/// <summary>Cross-entropy of rows of logits, with or without the gradient in their place; an index is a row.</summary>
internal unsafe struct CrossEntropyWork : IRangeWork
{
    public float* Logits, Losses;
    public int* Targets;
    public int Vocabulary;

    /// <summary>Whether to write the gradient over the logits.</summary>
    public bool Backward;

    public float GradientScale;

    /// <summary>Whether the target's gradient is minus the sum of the others.</summary>
    public bool ZeroSum;

    public readonly void Run(long start, long end, int worker)
    {
        float* factors = stackalloc float[2 * SoftmaxRow.MaxBlocks];
        for (long row = start; row < end; row++)
        {
            float* logits = Logits + row * Vocabulary;
            int target = Targets[row];
            float targetLogit = logits[target];
            (float max, double sum) = Backward ? Sum(logits, factors, store: true) : Sum(logits, factors, store: false);
            Losses[row] = (float)(PortableMath.Log(sum) + ((double)max - targetLogit));
            if (Backward)
                WriteGradient(logits, factors, sum, target);
        }
    }

    /// <summary>The row's maximum, and the sum of e^(logit - maximum). Leaves e^(block's maximum - row's maximum)
    /// in the first half of <paramref name="factors"/>; the second is scratch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly (float Max, double Sum) Sum(float* logits, float* factors, bool store)
    {
        float* sums = factors + SoftmaxRow.MaxBlocks;
        int blockLength = SoftmaxRow.BlockLength(Vocabulary);
        int blocks = 0;
        float max = float.NegativeInfinity;
        for (int first = 0; first < Vocabulary; first += blockLength, blocks++)
        {
            int count = Math.Min(blockLength, Vocabulary - first);
            float blockMax = SoftmaxRow.Max(logits + first, count);
            // Nothing but -Inf: from 0 they all give 0, from -Inf they would give NaN.
            float shift = float.IsNegativeInfinity(blockMax) ? 0 : blockMax;
            sums[blocks] = SoftmaxRow.Exponentials(logits + first, count, shift, store);
            factors[blocks] = blockMax;
            max = MathF.Max(max, blockMax);
        }
        double sum = 0;
        for (int block = 0; block < blocks; block++)
        {
            factors[block] = SimdMath.Exp(Vector512.Create(factors[block] - max))[0];
            sum += (double)sums[block] * factors[block];
        }
        return (max, sum);
    }

    private readonly void WriteGradient(float* logits, float* factors, double sum, int target)
    {
        int blockLength = SoftmaxRow.BlockLength(Vocabulary);
        int block = 0;
        for (int first = 0; first < Vocabulary; first += blockLength, block++)
            SoftmaxRow.Scale(logits + first, Math.Min(blockLength, Vocabulary - first), (float)(factors[block] * (GradientScale / sum)));
        if (!ZeroSum)
        {
            logits[target] -= GradientScale;
            return;
        }
        logits[target] = 0;
        logits[target] = (float)-RowSum.Of(logits, Vocabulary);
    }
}
