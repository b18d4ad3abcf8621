using Andrea.PtxEmulator.Parsing;
using Andrea.PtxEmulator.Translation;

namespace Andrea.PtxEmulator.Execution;

/// <summary>One launch: a kernel, its sizes, its arguments.</summary>
internal sealed class KernelLaunch(
    TranslatedKernel kernel, PtxModule module, Dimensions grid, Dimensions threads, long dynamicShared, byte[] arguments, ulong[] variables)
{
    public TranslatedKernel Kernel { get; } = kernel;

    public Dimensions Grid { get; } = grid;

    public Dimensions Threads { get; } = threads;

    public long DynamicShared { get; } = dynamicShared;

    public byte[] Arguments { get; } = arguments;

    /// <summary>The addresses of the module's variables that the kernel uses.</summary>
    public ulong[] Variables { get; } = variables;

    public long SharedBytes => KernelLayout.Align(Kernel.Layout.StaticSharedBytes + DynamicShared, 16);

    /// <summary>Where a thread is: kernel, line of the PTX and of its source, block and thread.</summary>
    public string Place(int instruction, Dimensions block, Dimensions thread) =>
        $"kernel {Kernel.Function.Name}, {LineText(instruction)}, block {block}, thread {thread}";

    /// <summary>An instruction, its line in the PTX text, and its line in the source if the text tells.</summary>
    public string LineText(int instruction)
    {
        PtxInstruction at = Kernel.Instructions[instruction];
        string source = at.Source.Line > 0 && module.Files.TryGetValue(at.Source.File, out string? file)
            ? $", {Path.GetFileName(file)} line {at.Source.Line}"
            : "";
        return $"{at.Name} on PTX line {at.Line}{source}";
    }
}
