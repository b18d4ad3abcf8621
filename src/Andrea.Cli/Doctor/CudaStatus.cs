namespace Andrea.Cli.Doctor;

/// <summary>Whether the CUDA backend can be used here, and if not, why.</summary>
internal static class CudaStatus
{
    /// <summary>Null when CUDA is usable, else the reason, to end a sentence "CUDA is not usable: ...".</summary>
    public static string? WhyNotUsable() => "this version of Andrea has no CUDA backend, so it trains on the CPU whatever GPU there is";
}
