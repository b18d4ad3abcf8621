using System.Globalization;

namespace Andrea.Tests.Support;

/// <summary>How far a result may lie from its reference: per element |a - b| &lt;= Absolute + Relative |b|, and per tensor by normalised mean square error.</summary>
/// <remarks>Every limit of the test suite stands here with its reason, so that none is loosened where nobody looks.</remarks>
public readonly record struct Tolerance(double Absolute, double Relative, double MeanSquare)
{
    /// <summary>A few roundings of float32 (2^-24 = 6e-8 each), no long sums.</summary>
    public static readonly Tolerance Elementwise = new(1e-6, 2e-6, 1e-12);

    /// <summary>Sums of up to some thousand products in float32 against double; errors grow like sqrt(K) 2^-24 of the sum of magnitudes.</summary>
    public static readonly Tolerance Accumulated = new(2e-5, 2e-5, 1e-11);

    /// <summary>The same with factors rounded to TF32, 2^-11 each: errors of the products add up like a random walk, so against a sum of
    /// size 1 they are about 2^-11; a GPU may also cut off instead of rounding, which doubles them.</summary>
    public static readonly Tolerance Tf32Product = new(4e-3, 4e-3, 1e-6);

    /// <summary>Chains of such sums: attention, or a whole model's backward pass.</summary>
    public static readonly Tolerance Chained = new(1e-4, 1e-4, 1e-9);

    /// <summary>Products rounded to float32 once on either side, 2^-24 each; nothing absolute, so that tiny gradients count.</summary>
    public static readonly Tolerance OneRounding = new(double.Epsilon, 1.2e-7, 1.5e-14);

    /// <summary>Parameters around 1 after twenty steps of AdamW with a handful of roundings each, against double.</summary>
    public static readonly Tolerance Optimized = new(1e-6, 1e-6, 1e-12);

    /// <summary>AdamW's moments lie anywhere from 1e-17 to 1e4, so relative only; m may cancel, which loses a digit more.</summary>
    public static readonly Tolerance Moments = new(double.Epsilon, 2e-5, 1e-12);

    /// <summary>Gradients of a tiny GPT: the chain is two blocks long, its sums have at most 64 terms.</summary>
    public static readonly Tolerance TinyModel = new(5e-6, 5e-5, 1e-10);

    /// <summary>Its parameters after ten steps of AdamW at rates up to 0.02, which divides small gradients by their own size.</summary>
    public static readonly Tolerance TinyModelTrained = new(2e-5, 2e-5, 1e-10);

    /// <summary>Its loss over those steps, absolute: PyTorch's own float32 strays from its double by up to 7e-7.</summary>
    public const double TinyModelLoss = 1e-5;

    /// <summary>Its gradient norm over those steps, relative.</summary>
    public const double TinyModelNorm = 1e-4;

    /// <summary>A slope measured over a step of this size: float32 activations scatter the loss by about 1e-7, which the step divides.</summary>
    public static Tolerance FiniteDifference(double step) => new(5e-7 / step, 1e-3, 1e-6);

    /// <summary>Fails with the worst element's index, both values and its share of the limit.</summary>
    public void AssertClose(string name, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        if (Mismatch(name, expected, actual) is { } message)
            Assert.Fail(message);
    }

    /// <summary>What is wrong, or null. Apart from <see cref="AssertClose"/> so that a negative control can show that comparisons fail when they should.</summary>
    public string? Mismatch(string name, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double worst = 0, errorSquares = 0, valueSquares = 0;
        int worstIndex = -1;
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs((double)actual[i] - expected[i]);
            double share = error / (Absolute + Relative * Math.Abs(expected[i]));
            // Written so that a NaN on either side counts as wrong.
            if (!(share <= worst))
                (worst, worstIndex) = (double.IsNaN(share) ? double.PositiveInfinity : share, i);
            errorSquares += error * error;
            valueSquares += (double)expected[i] * expected[i];
        }
        double meanSquare = valueSquares > 0 ? errorSquares / valueSquares : 0;
        if (worst <= 1 && (meanSquare <= MeanSquare || errorSquares <= expected.Length * Absolute * Absolute))
            return null;
        return worstIndex < 0
            ? string.Create(CultureInfo.InvariantCulture, $"{name}: normalised mean square error {meanSquare:g3}, limit {MeanSquare:g3}")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{name}[{worstIndex}]: expected {expected[worstIndex]:g9}, got {actual[worstIndex]:g9}, {worst:g3} times the limit; NMSE {meanSquare:g3}, limit {MeanSquare:g3}");
    }
}
