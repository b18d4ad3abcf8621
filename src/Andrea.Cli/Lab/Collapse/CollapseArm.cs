namespace Andrea.Cli.Lab.Collapse;

/// <summary>One way to train under shocks.</summary>
/// <param name="Name">Its name in tables, and of its run on the page.</param>
/// <param name="Guards">What it has.</param>
internal sealed record CollapseArm(string Name, CollapseGuards Guards)
{
    public const string Unguarded = "v1", Guarded = "v2";

    /// <summary>v1, each guard alone, v2.</summary>
    public static IReadOnlyList<CollapseArm> All { get; } =
    [
        new(Unguarded, CollapseGuards.None),
        new("clip", CollapseGuards.Clip),
        new("lr-warmup", CollapseGuards.RateWarmup),
        new("decay", CollapseGuards.Decay),
        new("curriculum-warmup", CollapseGuards.CurriculumWarmup),
        new("gate", CollapseGuards.Gate),
        new(Guarded, CollapseGuards.All),
    ];

    public bool Has(CollapseGuards guard) => (Guards & guard) != 0;
}
