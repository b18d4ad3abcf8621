using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>What a value is while translated code works on it. Values of 8 and 16 bits and predicates are 32-bit integers.</summary>
internal enum StackKind
{
    Int32,
    Int64,
    Float32,
    Float64,
}

internal static class StackKinds
{
    public static StackKind Of(PtxType type) => type switch
    {
        { Kind: PtxTypeKind.Float, Bits: 32 } => StackKind.Float32,
        { Kind: PtxTypeKind.Float, Bits: 64 } => StackKind.Float64,
        { Bits: 64 } => StackKind.Int64,
        _ => StackKind.Int32,
    };

    public static Type ClrType(StackKind kind) => kind switch
    {
        StackKind.Int32 => typeof(int),
        StackKind.Int64 => typeof(long),
        StackKind.Float32 => typeof(float),
        _ => typeof(double),
    };
}
