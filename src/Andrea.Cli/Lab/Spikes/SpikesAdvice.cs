using Andrea.Cli.Lab.Runs;
using static System.FormattableString;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>Says which protection to use when, computed from the results and from nothing else.</summary>
/// <remarks>A method holds against a fault when its median final loss is at most the tolerance above the baseline's without any fault. The
/// tolerance is half the median range over seeds, and at least 0.02 nats. The first choice is the method that holds against most faults; of
/// several, that with the lowest mean loss, a diverged run counting as uniform guessing.</remarks>
internal sealed class SpikesAdvice
{
    private const double SmallestTolerance = 0.02;

    private readonly SpikesResult _result;
    private readonly string[] _methods, _faults;
    private readonly double _worst;

    public SpikesAdvice(SpikesResult result)
    {
        _result = result;
        _methods = [.. result.Methods.Select(method => method.Name)];
        _faults = [.. result.Experiment.Faults.Select(fault => fault.Name).Where(name => name != SpikeFault.HealthyName)];
        Tolerance = Math.Max(SmallestTolerance, 0.5 * Spread.Median(
            _methods.SelectMany(method => _faults.Select(fault => result.Excess(method, fault))).Where(values => values.Length > 1 && values.All(double.IsFinite)).Select(Spread.Range).DefaultIfEmpty(0)));
        // The loss of a model that knows nothing.
        _worst = result.Cells.Count == 0 ? 0 : Math.Log(result.Cells[0].Result.Arm.Data.Tokenizer.VocabularySize);
    }

    /// <summary>Nats above the baseline's healthy loss that still count as none.</summary>
    public double Tolerance { get; }

    /// <summary>Whether a method holds against a fault.</summary>
    public bool Holds(string method, string fault) => _result.MedianExcess(method, fault) <= Tolerance;

    /// <summary>Faults that a method holds against.</summary>
    public int Held(string method) => _faults.Count(fault => Holds(method, fault));

    /// <summary>Mean over faults of the loss above the baseline's healthy one.</summary>
    public double Mean(string method) => _faults.Average(fault => Math.Min(_result.MedianExcess(method, fault), _worst));

    /// <summary>Mean over faults of the loss above the method's own healthy one.</summary>
    public double MeanDamage(string method) => _faults.Average(fault => Math.Min(DamageOf(method, fault), _worst));

    /// <summary>The method to use where nothing else is known; null where too little was run.</summary>
    public string? FirstChoice => IsComplete ? _methods.OrderByDescending(Held).ThenBy(Mean).First() : null;

    private bool IsComplete => _methods.All(method => _faults.Append(SpikeFault.HealthyName).All(fault => _result.Of(method, fault).Any()));

    /// <summary>The closing paragraphs.</summary>
    public IEnumerable<string> Paragraphs()
    {
        if (FirstChoice is not { } first)
        {
            yield return "The experiment was ended before every method had met every fault, so nothing is recommended.";
            yield break;
        }
        yield return Invariant($"**First choice: {first}**, which holds against {Held(first)} of {_faults.Length} faults (mean {Signed(Mean(first))} nats); ")
            + Invariant($"{SpikeMethod.BaselineName} holds against {Held(SpikeMethod.BaselineName)} ({Signed(Mean(SpikeMethod.BaselineName))}), {SpikeMethod.NothingName} against {Held(SpikeMethod.NothingName)} ({Signed(Mean(SpikeMethod.NothingName))}). ")
            + Invariant($"To hold: a final loss at most {Tolerance:0.00} nats above that of {SpikeMethod.BaselineName} without any fault, median over seeds.");
        if (_result.MedianExcess(first, SpikeFault.HealthyName) < -Tolerance)
            yield return $"{first} is also better where nothing goes wrong, by {Invariant($"{-_result.MedianExcess(first, SpikeFault.HealthyName):0.00}")} nats; of all methods {_methods.MinBy(MeanDamage)} loses least to faults by its own measure ({Signed(_methods.Min(MeanDamage))} nats above its own healthy loss).";
        yield return string.Join("\n", Points());
    }

    private IEnumerable<string> Points()
    {
        foreach (string fault in _faults)
            yield return "- " + AgainstFault(fault) + (SkipIsEnough(fault)
                ? Invariant($" It takes no clip: {SpikeMethod.SkipName} is damaged by {Signed(DamageOf(SpikeMethod.SkipName, fault))}.")
                : "");
        string[] dear = [.. _methods.Where(method => _result.MedianExcess(method, SpikeFault.HealthyName) > Tolerance)];
        yield return "- Without faults: " + (dear.Length == 0
            ? "no method costs anything."
            : $"these cost loss: {string.Join(", ", dear.Select(method => $"{method} ({Signed(_result.MedianExcess(method, SpikeFault.HealthyName))})"))}.");
        string[] useless = [.. _methods.Where(method => method is not (SpikeMethod.BaselineName or SpikeMethod.NothingName or SpikeMethod.SkipName) && IsBeaten(method))];
        if (useless.Length > 0)
            yield return $"- Nowhere more than {Invariant($"{Tolerance:0.00}")} nats better than {SpikeMethod.BaselineName}, and somewhere worse: {string.Join(", ", useless)}.";
    }

    private string AgainstFault(string fault)
    {
        double nothing = _result.MedianExcess(SpikeMethod.NothingName, fault);
        string best = _methods.MinBy(method => _result.MedianExcess(method, fault))!;
        string harm = $"{fault} ({SpikeMethod.NothingName}: {Signed(nothing)}): ";
        if (nothing <= Tolerance)
            return harm + "does no lasting harm here, so it decides nothing.";
        if (Holds(SpikeMethod.BaselineName, fault))
            return harm + $"{SpikeMethod.BaselineName} is enough ({Signed(_result.MedianExcess(SpikeMethod.BaselineName, fault))}); lowest is {best} ({Signed(_result.MedianExcess(best, fault))}).";
        string[] holders = [.. _methods.Where(method => Holds(method, fault)).OrderBy(method => _result.MedianExcess(method, fault))];
        string found = holders.Length == 0
            ? $"nothing holds; lowest is {best} ({Signed(_result.MedianExcess(best, fault))})"
            : $"use {string.Join(" or ", holders.Take(3).Select(method => $"{method} ({Signed(_result.MedianExcess(method, fault))})"))}";
        return harm + $"{SpikeMethod.BaselineName} is not enough ({Signed(_result.MedianExcess(SpikeMethod.BaselineName, fault))}); {found}.";
    }

    /// <summary>Whether it is the skip of steps with NaN alone, which all methods but one have, that undoes a fault.</summary>
    private bool SkipIsEnough(string fault) => !(DamageOf(SpikeMethod.NothingName, fault) <= Tolerance) && DamageOf(SpikeMethod.SkipName, fault) <= Tolerance;

    private double DamageOf(string method, string fault) => Spread.Median(_result.Damage(method, fault));

    private bool IsBeaten(string method)
    {
        double[] above = [.. _faults.Append(SpikeFault.HealthyName).Select(fault => _result.MedianExcess(method, fault) - _result.MedianExcess(SpikeMethod.BaselineName, fault))];
        return above.All(value => !(value < -Tolerance)) && above.Any(value => !(value <= Tolerance));
    }

    /// <summary>A difference of losses, with its sign.</summary>
    internal static string Signed(double value) => double.IsFinite(value) ? Invariant($"{value:+0.00;-0.00;0.00}") : "diverged";
}
