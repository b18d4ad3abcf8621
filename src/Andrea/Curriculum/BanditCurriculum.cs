using Andrea.Numerics;

namespace Andrea.Curriculum;

/// <summary>The bandit of <see cref="CurriculumOptions"/>, which says how it chooses.</summary>
/// <remarks>
/// UCB1: Auer, Cesa-Bianchi, Fischer 2002. The value of a source is the mean of all its rewards with
/// <see cref="CurriculumReward.LossDrop"/>, as ANDREA has it. With <see cref="CurriculumReward.LearningProgress"/> it is the latest reward, for
/// progress is over a window already and what was learned once is no reason to go on; values are then divided by the largest, since UCB1 is
/// made for rewards from 0 to 1. Progress as the difference of the mean errors of two windows: Oudeyer, Kaplan, Hafner 2007; that it pays a
/// curriculum, and that rewards are to be rescaled: Graves et al. 2017, arXiv:1704.03003; the slope over a window instead: Matiisen et al.
/// 2017, arXiv:1707.00183. Measuring it by the lowest mean so far is ours.
/// </remarks>
internal sealed class BanditCurriculum : SourceChooser
{
    private readonly CurriculumOptions _options;
    private readonly SourceLimits[] _limits;
    private readonly BanditArm[] _arms;

    /// <summary>Knows nothing yet.</summary>
    /// <param name="options">Valid options.</param>
    /// <param name="names">Names of the sources.</param>
    /// <param name="seed">The run's seed.</param>
    /// <exception cref="ArgumentException">Limits of a source that is not there.</exception>
    public BanditCurriculum(CurriculumOptions options, IReadOnlyList<string> names, ulong seed)
        : base(names.Count, seed)
    {
        _options = options;
        _limits = options.LimitsOf(names);
        _arms = [.. names.Select(_ => new BanditArm(options.ProgressWindow))];
        PhaseEnd = 0;
    }

    /// <inheritdoc/>
    public override void Learn(int source, double loss) => _arms[source].Learn(loss, _options.Reward);

    /// <inheritdoc/>
    public override CurriculumState Save() => base.Save() with { Arms = [.. _arms.Select(arm => arm.Save())] };

    /// <inheritdoc/>
    public override void Restore(CurriculumState state)
    {
        base.Restore(state);
        if (state.Arms.Length != _arms.Length)
        {
            PhaseEnd = Turn;
            return;
        }
        (Phase, PhaseEnd, Focus) = (state.Phase, state.PhaseEnd, state.Focus);
        state.Weights.CopyTo(Weights, 0);
        for (int source = 0; source < _arms.Length; source++)
            _arms[source].Restore(state.Arms[source]);
    }

    /// <inheritdoc/>
    protected override void Prepare(ReadOnlySpan<double> epochs)
    {
        if (Turn < PhaseEnd)
            return;
        Philox random = PhaseStream(Phase++);
        int steps = _options.PhaseSteps[random.NextInt32(_options.PhaseSteps.Count)];
        // The phase ends with the warmup, so that no step of it is drawn from what comes after.
        PhaseEnd = Turn + (IsWarmup ? Math.Min(steps, _options.WarmupSteps - Turn) : steps);
        Focus = Best();
        for (int source = 0; source < Weights.Length; source++)
        {
            double tentative = random.NextDouble() * _options.OtherWeight;
            Weights[source] = IsOpen(source) ? Final(_limits[source], source == Focus ? 1 : tentative, epochs[source]) : 0;
        }
    }

    private bool IsWarmup => Turn < _options.WarmupSteps;

    private bool IsOpen(int source) => !IsWarmup || _limits[source].Warmup;

    private double Final(SourceLimits limits, double tentative, double epochs)
    {
        double weight = Math.Min(Math.Max(tentative, limits.Floor), limits.Cap);
        return _options.EpochLimit > 0 && epochs > _options.EpochLimit ? weight * (_options.EpochLimit / epochs) : weight;
    }

    /// <summary>UCB1's choice; the first source that nothing is known of, if there is one.</summary>
    private int Best()
    {
        double total = 0, scale = 0;
        foreach (BanditArm arm in _arms)
        {
            total += arm.Pulls;
            scale = Math.Max(scale, arm.LastReward);
        }
        int best = -1;
        double highest = double.NegativeInfinity;
        for (int source = 0; source < _arms.Length; source++)
        {
            if (!IsOpen(source))
                continue;
            double score = Score(_arms[source], total, scale);
            if (score > highest)
                (best, highest) = (source, score);
        }
        return best;
    }

    private double Score(BanditArm arm, double total, double scale)
    {
        if (arm.Pulls == 0)
            return double.PositiveInfinity;
        double bonus = _options.Exploration * Math.Sqrt(PortableMath.Log(total) / arm.Pulls);
        if (_options.Reward == CurriculumReward.LossDrop)
            return arm.MeanReward + bonus;
        return (scale > 0 ? arm.LastReward / scale : 0) + bonus;
    }
}
