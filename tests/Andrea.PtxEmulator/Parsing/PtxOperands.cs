namespace Andrea.PtxEmulator.Parsing;

/// <summary>A register of one function; identity is what counts, names may repeat in inner scopes.</summary>
internal sealed class PtxRegister(string name, PtxType type)
{
    public string Name { get; } = name;

    public PtxType Type { get; } = type;

    public override string ToString() => Name;
}

/// <summary>Where a variable lives.</summary>
internal enum PtxSpace
{
    Generic,
    Global,
    Constant,
    Shared,
    Local,
    Parameter,
}

/// <summary>A named piece of memory.</summary>
/// <param name="Bytes">Its size; 0 for <c>extern .shared x[]</c>, whose size the launch says.</param>
/// <param name="Initial">The first bytes of its value; null where it has none. The rest is zero.</param>
internal sealed record PtxVariable(string Name, PtxSpace Space, int Alignment, long Bytes, byte[]? Initial, PtxRelocation[] Relocations)
{
    public bool IsDynamic => Space == PtxSpace.Shared && Bytes == 0;

    public bool Equals(PtxVariable? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}

/// <summary>An initial value that is the address of another variable.</summary>
internal sealed record PtxRelocation(int Offset, string Target, long Addend);

/// <summary>An operand of an instruction.</summary>
internal abstract record PtxOperand;

/// <summary><c>%r1</c>, or <c>!%p1</c>.</summary>
internal sealed record RegisterOperand(PtxRegister Register, bool Negated) : PtxOperand;

/// <summary><c>%tid.x</c> and its like.</summary>
internal sealed record SpecialOperand(string Name) : PtxOperand;

/// <summary>A number: an integer's 64 bits, or a float's bits with the width it was written in.</summary>
internal sealed record ImmediateOperand(ulong Bits, int FloatWidth) : PtxOperand;

/// <summary>The address of a variable as a value.</summary>
internal sealed record VariableOperand(PtxVariable Variable, long Offset) : PtxOperand;

/// <summary><c>[register + offset]</c>, <c>[variable + offset]</c> or <c>[offset]</c>.</summary>
internal sealed record AddressOperand(PtxRegister? Register, PtxVariable? Variable, long Offset) : PtxOperand;

/// <summary><c>{a, b, c, d}</c>.</summary>
internal sealed record VectorOperand(PtxOperand[] Elements) : PtxOperand;

/// <summary><c>a|b</c>: a result and a second one.</summary>
internal sealed record PairOperand(PtxOperand First, PtxOperand Second) : PtxOperand;

/// <summary>The name of a label or a function.</summary>
internal sealed record NameOperand(string Name) : PtxOperand;

/// <summary><c>_</c>: a result nobody wants.</summary>
internal sealed record SinkOperand : PtxOperand;
