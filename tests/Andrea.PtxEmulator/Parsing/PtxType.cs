namespace Andrea.PtxEmulator.Parsing;

/// <summary>What the bits of a PTX type mean.</summary>
internal enum PtxTypeKind
{
    Predicate,
    Untyped,
    Unsigned,
    Signed,
    Float,
    BrainFloat,
}

/// <summary>A fundamental type of PTX, such as <c>.u32</c>.</summary>
internal readonly record struct PtxType(PtxTypeKind Kind, int Bits)
{
    public static readonly PtxType Predicate = new(PtxTypeKind.Predicate, 1);
    public static readonly PtxType B32 = new(PtxTypeKind.Untyped, 32);
    public static readonly PtxType B64 = new(PtxTypeKind.Untyped, 64);
    public static readonly PtxType U16 = new(PtxTypeKind.Unsigned, 16);
    public static readonly PtxType U32 = new(PtxTypeKind.Unsigned, 32);
    public static readonly PtxType U64 = new(PtxTypeKind.Unsigned, 64);
    public static readonly PtxType S32 = new(PtxTypeKind.Signed, 32);
    public static readonly PtxType S64 = new(PtxTypeKind.Signed, 64);
    public static readonly PtxType F32 = new(PtxTypeKind.Float, 32);
    public static readonly PtxType F64 = new(PtxTypeKind.Float, 64);

    public int Bytes => Math.Max(1, Bits / 8);

    public bool IsSigned => Kind == PtxTypeKind.Signed;

    public bool IsFloat => Kind is PtxTypeKind.Float or PtxTypeKind.BrainFloat;

    public bool IsInteger => Kind is PtxTypeKind.Untyped or PtxTypeKind.Unsigned or PtxTypeKind.Signed;

    public bool IsPredicate => Kind == PtxTypeKind.Predicate;

    /// <summary>The same width without a meaning: what loads, stores and moves of bits use.</summary>
    public PtxType AsBits => IsPredicate ? this : new PtxType(PtxTypeKind.Untyped, Bits);

    /// <summary>Reads a type's name without its dot; false for any other word.</summary>
    public static bool TryParse(string name, out PtxType type)
    {
        type = name switch
        {
            "pred" => Predicate,
            "b8" => new(PtxTypeKind.Untyped, 8),
            "b16" => new(PtxTypeKind.Untyped, 16),
            "b32" => B32,
            "b64" => B64,
            "u8" => new(PtxTypeKind.Unsigned, 8),
            "u16" => U16,
            "u32" => U32,
            "u64" => U64,
            "s8" => new(PtxTypeKind.Signed, 8),
            "s16" => new(PtxTypeKind.Signed, 16),
            "s32" => S32,
            "s64" => S64,
            "f16" => new(PtxTypeKind.Float, 16),
            "bf16" => new(PtxTypeKind.BrainFloat, 16),
            "f32" => F32,
            "f64" => F64,
            _ => default,
        };
        return type.Bits != 0;
    }

    public override string ToString() => Kind switch
    {
        PtxTypeKind.Predicate => ".pred",
        PtxTypeKind.Untyped => $".b{Bits}",
        PtxTypeKind.Unsigned => $".u{Bits}",
        PtxTypeKind.Signed => $".s{Bits}",
        PtxTypeKind.Float => $".f{Bits}",
        _ => $".bf{Bits}",
    };
}
