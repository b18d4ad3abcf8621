namespace Andrea.Curriculum;

/// <summary>Options of the bandit that chooses which source each step draws from.</summary>
/// <remarks>
/// A run is cut into phases. Where a phase begins, UCB1 (Auer et al. 2002) names one source as its focus: the highest value + C sqrt(ln N / n),
/// with n losses of the source among N of all. The focus gets the tentative weight 1, every other source one drawn evenly from 0 to
/// <see cref="OtherWeight"/>. The weight is then min(max(tentative, floor), cap) times min(1, <see cref="EpochLimit"/> / epochs drawn of the
/// source so far), and each step of the phase draws its source by these weights. Which phases there are, their drawn lengths and the value
/// of <see cref="CurriculumReward.LossDrop"/> are ANDREA's; the focus, the tentative weights of the others and the penalty are ours.
/// <para>Everything is drawn from a stream of the run's seed, and a choice knows the losses of all steps but the one before, so that it is the
/// same on devices whose losses come late.</para>
/// <code>
/// TrainerOptions options = Preset.Chars.Options with
/// {
///     Curriculum = new CurriculumOptions { Sources = [new SourceLimits("chat", Floor: 0.3)] },
/// };
/// </code>
/// </remarks>
public sealed record CurriculumOptions
{
    /// <summary>What a source is paid for.</summary>
    /// <value><see cref="CurriculumReward.LearningProgress"/></value>
    public CurriculumReward Reward { get; init; } = CurriculumReward.LearningProgress;

    /// <summary>C, the weight of trying what is little known. In units of the largest value with
    /// <see cref="CurriculumReward.LearningProgress"/>, whose values are scaled to [0, 1]; in units of the reward, which is in the hundreds,
    /// with <see cref="CurriculumReward.LossDrop"/>.</summary>
    /// <value>1</value>
    public double Exploration { get; init; } = 1;

    /// <summary>Lengths of phases, in steps; one is drawn at random for each.</summary>
    /// <value>7, 14, 21, 28, 42</value>
    public IReadOnlyList<int> PhaseSteps { get; init; } = [7, 14, 21, 28, 42];

    /// <summary>Largest tentative weight of a source that is not in focus.</summary>
    /// <value>0.5</value>
    public double OtherWeight { get; init; } = 0.5;

    /// <summary>Epochs of a source after which its weight falls as 1 / epochs, so that a small one is not learned by heart; 0 for no
    /// limit.</summary>
    /// <value>4: up to there repeated text teaches almost as new text does (Muennighoff et al. 2023, arXiv:2305.16264).</value>
    public double EpochLimit { get; init; } = 4;

    /// <summary>Latest losses of a source that its progress is measured over.</summary>
    /// <value>64</value>
    public int ProgressWindow { get; init; } = 64;

    /// <summary>Steps at the beginning that draw only from sources with <see cref="SourceLimits.Warmup"/>; 0 for none.</summary>
    /// <value>0</value>
    public long WarmupSteps { get; init; }

    /// <summary>Sources with limits; one that is not named has none.</summary>
    /// <value>None</value>
    public IReadOnlyList<SourceLimits> Sources { get; init; } = [];

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    internal void Validate()
    {
        if (!Enum.IsDefined(Reward))
            throw new ArgumentOutOfRangeException(nameof(Reward), Reward, "Unknown reward. Choose LearningProgress or LossDrop.");
        if (!(Exploration >= 0 && double.IsFinite(Exploration)))
            throw new ArgumentOutOfRangeException(nameof(Exploration), Exploration, $"{nameof(Exploration)} is {Exploration}; expected a finite number from 0 up.");
        ArgumentNullException.ThrowIfNull(PhaseSteps);
        ArgumentNullException.ThrowIfNull(Sources);
        if (PhaseSteps.Count == 0 || PhaseSteps.Any(steps => steps < 1))
            throw new ArgumentException($"{nameof(PhaseSteps)} are {string.Join(", ", PhaseSteps)}; expected at least one length, each 1 or more.", nameof(PhaseSteps));
        if (!(OtherWeight is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(OtherWeight), OtherWeight, $"{nameof(OtherWeight)} is {OtherWeight}; expected a number above 0, at most 1.");
        if (!(EpochLimit >= 0))
            throw new ArgumentOutOfRangeException(nameof(EpochLimit), EpochLimit, $"{nameof(EpochLimit)} is {EpochLimit}; expected a number from 0 up.");
        if (ProgressWindow is < 8 or > 4096)
            throw new ArgumentOutOfRangeException(nameof(ProgressWindow), ProgressWindow, $"{nameof(ProgressWindow)} is {ProgressWindow}; expected 8 to 4096.");
        if (WarmupSteps < 0)
            throw new ArgumentOutOfRangeException(nameof(WarmupSteps), WarmupSteps, $"{nameof(WarmupSteps)} is {WarmupSteps}; expected 0 or more.");
        if (WarmupSteps > 0 && !Sources.Any(source => source.Warmup))
            throw new ArgumentException($"{nameof(WarmupSteps)} is {WarmupSteps}, but no source has {nameof(SourceLimits.Warmup)} set; name those to warm up with.", nameof(WarmupSteps));
        foreach (SourceLimits source in Sources)
            Check(source);
    }

    /// <summary>The limits of each of the data's sources.</summary>
    /// <exception cref="ArgumentException">Limits of a source that the data does not have.</exception>
    internal SourceLimits[] LimitsOf(IReadOnlyList<string> names)
    {
        foreach (SourceLimits source in Sources)
            if (!names.Contains(source.Name))
                throw new ArgumentException($"The curriculum has limits for a source '{source.Name}', but the data has {string.Join(", ", names)}. Use one of these names.");
        return [.. names.Select(name => Sources.FirstOrDefault(source => source.Name == name) ?? new SourceLimits(name))];
    }

    private static void Check(SourceLimits source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!(source.Floor is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(Sources), source.Floor, $"The floor of source '{source.Name}' is {source.Floor}; expected a number from 0 to 1.");
        if (!(source.Cap > 0 && source.Cap >= source.Floor && source.Cap <= 1))
            throw new ArgumentOutOfRangeException(nameof(Sources), source.Cap, $"The cap of source '{source.Name}' is {source.Cap}; expected a number above 0, from its floor {source.Floor} to 1.");
    }
}
