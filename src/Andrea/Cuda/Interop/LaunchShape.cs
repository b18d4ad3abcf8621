namespace Andrea.Cuda.Interop;

/// <summary>How many blocks of how many threads a kernel is launched with.</summary>
/// <param name="GridX">Blocks along x, 1 to 2^31 - 1.</param>
/// <param name="GridY">Blocks along y, 1 to 65,535.</param>
/// <param name="GridZ">Blocks along z, 1 to 65,535.</param>
/// <param name="BlockX">Threads of a block along x.</param>
/// <param name="BlockY">Threads of a block along y.</param>
/// <param name="BlockZ">Threads of a block along z.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block, in bytes.</param>
internal readonly record struct LaunchShape(
    uint GridX, uint GridY, uint GridZ, uint BlockX, uint BlockY, uint BlockZ, uint SharedBytes)
{
    /// <summary>Blocks and threads along one dimension.</summary>
    public static LaunchShape Linear(int blocks, int threads, int sharedBytes = 0) =>
        new(checked((uint)blocks), 1, 1, checked((uint)threads), 1, 1, checked((uint)sharedBytes));

    /// <summary>As in "8 x 1 x 1 blocks of 256 x 1 x 1 threads".</summary>
    public override string ToString() => $"{GridX} x {GridY} x {GridZ} blocks of {BlockX} x {BlockY} x {BlockZ} threads";
}
