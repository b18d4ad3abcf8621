using Andrea.Numerics;

namespace Andrea.Gpt;

/// <summary>How the next token is drawn from logits.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits: below 1 bolder, above 1 wilder; 0 always takes the most likely token.</summary>
    /// <value>0.8</value>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Only the k most likely tokens are drawn; 0 means all.</summary>
    /// <value>40</value>
    public int TopK { get; init; } = 40;

    /// <summary>The same seed draws the same text.</summary>
    /// <value>1</value>
    public ulong Seed { get; init; } = 1;

    internal void Validate()
    {
        if (!(Temperature >= 0 && double.IsFinite(Temperature)))
            throw new ArgumentOutOfRangeException(nameof(Temperature), Temperature, $"The temperature is {Temperature}; expected a finite number from 0 up.");
        if (TopK < 0)
            throw new ArgumentOutOfRangeException(nameof(TopK), TopK, $"Top-k is {TopK}; expected 0 for all tokens, or a positive number.");
    }
}

/// <summary>Draws tokens from logits: temperature, top-k, seeded.</summary>
public sealed class TokenSampler
{
    // A stream apart from those of data and initial values.
    private const ulong SamplingStream = 0x5A;

    private readonly SamplingOptions _options;
    private Philox _random;
    private (double Value, int Token)[] _candidates = [];

    /// <summary>Begins a seeded sequence of draws.</summary>
    /// <param name="options">Temperature, top-k, seed; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public TokenSampler(SamplingOptions? options = null)
    {
        _options = options ?? new SamplingOptions();
        _options.Validate();
        _random = new Philox(_options.Seed, SamplingStream);
    }

    /// <summary>Draws a token. Ties go to the lower token id.</summary>
    /// <param name="logits">(V) logits.</param>
    /// <returns>The token.</returns>
    /// <exception cref="ArgumentException">There are no logits.</exception>
    /// <exception cref="DivergedModelException">A logit is NaN, or no logit is finite: the model's parameters are broken.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        if (logits.IsEmpty)
            throw new ArgumentException("There are no logits to draw from. Pass one for each token.", nameof(logits));
        if (_candidates.Length < logits.Length)
            _candidates = new (double, int)[logits.Length];
        int count = logits.Length;
        for (int i = 0; i < count; i++)
        {
            if (float.IsNaN(logits[i]))
                throw new DivergedModelException($"The logit of token {i} is NaN");
            // Negated, so that sorting puts the likeliest first, and equal ones by token id.
            _candidates[i] = (-(double)logits[i], i);
        }
        if (_options.TopK > 0 && _options.TopK < count || _options.Temperature == 0)
        {
            Array.Sort(_candidates, 0, count);
            count = _options.Temperature == 0 ? 1 : _options.TopK;
        }
        return Draw(_candidates.AsSpan(0, count));
    }

    private int Draw(Span<(double Value, int Token)> candidates)
    {
        double best = double.PositiveInfinity;
        foreach ((double value, _) in candidates)
            best = Math.Min(best, value);
        if (!double.IsFinite(best))
            throw new DivergedModelException("No logit is finite");
        if (candidates.Length == 1)
            return candidates[0].Token;
        double sum = 0;
        foreach (ref (double Value, int Token) candidate in candidates)
        {
            candidate.Value = Math.Exp((best - candidate.Value) / _options.Temperature);
            sum += candidate.Value;
        }
        double target = _random.NextDouble() * sum;
        foreach ((double weight, int token) in candidates)
        {
            target -= weight;
            if (target < 0)
                return token;
        }
        return candidates[^1].Token;
    }
}
