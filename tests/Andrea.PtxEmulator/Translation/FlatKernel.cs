using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>A kernel with all calls replaced by the bodies of the functions called.</summary>
internal sealed class FlatKernel(PtxFunction entry)
{
    public PtxFunction Entry { get; } = entry;

    public List<PtxInstruction> Body { get; } = [];

    /// <summary>Where each label stands: the index of the instruction after it.</summary>
    public Dictionary<string, int> Labels { get; } = [];

    /// <summary>The index that a branch goes to.</summary>
    public int Target(PtxInstruction branch)
    {
        if (branch.Operands is not [NameOperand label])
            throw new PtxException(branch.Line, $"'{branch.Name}' needs a label.");
        return Labels.TryGetValue(label.Name, out int target)
            ? target
            : throw new PtxException(branch.Line, $"there is no label '{label.Name}' in '{Entry.Name}'.");
    }
}
