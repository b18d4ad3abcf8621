using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Reads an instruction's modifiers one by one; whatever is left over in the end is an error.</summary>
internal sealed class InstructionReader(PtxInstruction instruction, int index)
{
    private readonly List<string> _left = [.. instruction.Modifiers];

    public PtxInstruction Instruction { get; } = instruction;

    /// <summary>The instruction's number in the flattened kernel.</summary>
    public int Index { get; } = index;

    public string Opcode => Instruction.Opcode;

    public PtxOperand[] Operands => Instruction.Operands;

    /// <summary>Takes a modifier if it is there.</summary>
    public bool Has(string modifier) => _left.Remove(modifier);

    /// <summary>Takes the first of these modifiers that is there; null when none is.</summary>
    public string? OneOf(params ReadOnlySpan<string> modifiers)
    {
        foreach (string modifier in modifiers)
            if (_left.Remove(modifier))
                return modifier;
        return null;
    }

    public string Needed(params ReadOnlySpan<string> modifiers)
    {
        string alternatives = string.Join(", .", modifiers.ToArray());
        return OneOf(modifiers) ?? throw Error($"'{Instruction.Name}' without one of .{alternatives} is not known to the emulator.");
    }

    /// <summary>Takes the next modifier that is a type.</summary>
    public PtxType Type()
    {
        for (int i = 0; i < _left.Count; i++)
            if (PtxType.TryParse(_left[i], out PtxType type))
            {
                _left.RemoveAt(i);
                return type;
            }
        throw Error($"'{Instruction.Name}' names no type that the emulator knows.");
    }

    /// <summary>A type out of some; others are an error.</summary>
    public PtxType Type(Func<PtxType, bool> isKnown)
    {
        PtxType type = Type();
        return isKnown(type) ? type : throw Error($"'{Instruction.Name}' of type {type} is not known to the emulator.");
    }

    /// <summary>Checks that nothing is left over and that the number of operands is right.</summary>
    public void End(int operands)
    {
        EndModifiers();
        if (Operands.Length != operands)
            throw Error($"'{Instruction.Name}' has {Operands.Length} operands, expected {operands}.");
    }

    public void EndModifiers()
    {
        if (_left.Count > 0)
            throw Error($"the modifier '.{_left[0]}' of '{Instruction.Name}' is not known to the emulator.");
    }

    public PtxException Error(string message) => new(Instruction.Line, message);
}
