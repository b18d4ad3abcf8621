namespace Andrea.PtxEmulator.Execution;

/// <summary>Where shared and local memory lie among generic addresses; global memory lies at its own addresses.</summary>
internal static class AddressWindows
{
    public const ulong Shared = 1UL << 56;
    public const ulong Local = 1UL << 57;
    public const ulong Size = 1UL << 32;
}
