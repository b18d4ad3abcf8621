using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>A kernel as a method of this machine.</summary>
/// <param name="Instructions">What the numbers in faults refer to.</param>
/// <param name="NeedsBlockOrder">Whether blocks talk to each other by atomics, so that they must run one after another.</param>
internal sealed record TranslatedKernel(
    PtxFunction Function,
    KernelEntry Entry,
    KernelLayout Layout,
    IReadOnlyList<PtxInstruction> Instructions,
    WaitPoint[] WaitPoints,
    int SavedRegisters,
    bool NeedsBlockOrder);
