using System.Buffers.Binary;

namespace Andrea.PtxEmulator.Parsing;

/// <summary>Parses the declarations of memory: alignment, type, name, dimensions and initial value.</summary>
internal static class PtxVariableParser
{
    /// <summary><c>.global .align 4 .b8 x[16] = {1, 2}, y;</c>, after its space.</summary>
    public static List<PtxVariable> Parse(PtxTokenReader reader, string space, bool isExtern)
    {
        var variables = new List<PtxVariable>();
        PtxSpace where = space switch
        {
            ".global" => PtxSpace.Global,
            ".const" => PtxSpace.Constant,
            ".shared" => PtxSpace.Shared,
            ".local" => PtxSpace.Local,
            _ => PtxSpace.Parameter,
        };
        PtxVariable first = ParseOne(reader, where);
        if (isExtern && !first.IsDynamic)
            throw reader.Error($".extern .shared '{first.Name}' has a size; only x[] is known to the emulator.");
        if (!isExtern && first.Bytes == 0)
            throw reader.Error($"the variable '{first.Name}' has no size.");
        variables.Add(first);
        reader.Expect(";");
        return variables;
    }

    /// <summary>One declaration without its space and its end.</summary>
    public static PtxVariable ParseOne(PtxTokenReader reader, PtxSpace space)
    {
        int alignment = 0;
        int vector = 1;
        PtxType type = default;
        while (type.Bits == 0)
        {
            string word = reader.Word();
            if (word == ".align")
                alignment = reader.SmallInteger();
            else if (word is ".v2" or ".v4")
                vector = word[2] - '0';
            else if (word == ".ptr")
                SkipPointerFacts(reader);
            else if (!PtxType.TryParse(word.TrimStart('.'), out type))
                throw reader.Error($"'{word}' in a declaration is not known to the emulator.");
        }
        if (reader.TryTake(".ptr"))
            SkipPointerFacts(reader);
        string name = reader.Word();
        long bytes = (long)type.Bytes * vector * ParseDimensions(reader);
        byte[]? initial = null;
        PtxRelocation[] relocations = [];
        if (reader.TryTake("="))
            (initial, relocations) = ParseInitial(reader, type);
        if (initial?.Length > bytes)
            throw reader.Error($"the initial value of '{name}' has {initial.Length} bytes, the variable {bytes}.");
        return new PtxVariable(name, space, alignment == 0 ? type.Bytes * vector : alignment, bytes, initial, relocations);
    }

    /// <summary>What a kernel's parameter says about the pointer in it; a promise to the compiler only.</summary>
    private static void SkipPointerFacts(PtxTokenReader reader)
    {
        while (reader.Is(".global") || reader.Is(".shared") || reader.Is(".const") || reader.Is(".local") || reader.Is(".align"))
            if (reader.Word() == ".align")
                reader.SmallInteger();
    }

    private static long ParseDimensions(PtxTokenReader reader)
    {
        long count = 1;
        while (reader.TryTake("["))
        {
            count *= reader.Is("]") ? 0 : reader.SmallInteger();
            reader.Expect("]");
        }
        return count;
    }

    private static (byte[] Initial, PtxRelocation[] Relocations) ParseInitial(PtxTokenReader reader, PtxType type)
    {
        var bytes = new List<byte>();
        var relocations = new List<PtxRelocation>();
        if (!reader.Is("{"))
            ParseElement(reader, type, bytes, relocations);
        else
            ParseList(reader, type, bytes, relocations);
        return ([.. bytes], [.. relocations]);
    }

    private static void ParseList(PtxTokenReader reader, PtxType type, List<byte> bytes, List<PtxRelocation> relocations)
    {
        reader.Expect("{");
        while (!reader.TryTake("}"))
        {
            if (reader.Is("{"))
                ParseList(reader, type, bytes, relocations);
            else
                ParseElement(reader, type, bytes, relocations);
            if (!reader.Is("}"))
                reader.Expect(",");
        }
    }

    private static void ParseElement(PtxTokenReader reader, PtxType type, List<byte> bytes, List<PtxRelocation> relocations)
    {
        ulong bits = 0;
        if (reader.Peek.Kind == PtxTokenKind.Word)
            relocations.Add(ParseRelocation(reader, bytes.Count));
        else if (reader.Peek.Kind == PtxTokenKind.Float)
        {
            if (reader.Peek.Width != type.Bits)
                throw reader.Error($"{reader.Peek} does not fit {type}.");
            bits = reader.Take().Bits;
        }
        else
            bits = unchecked((ulong)reader.Integer());
        Span<byte> element = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(element, bits);
        bytes.AddRange(element[..type.Bytes]);
    }

    private static PtxRelocation ParseRelocation(PtxTokenReader reader, int offset)
    {
        string word = reader.Word();
        bool generic = word == "generic";
        if (generic)
        {
            reader.Expect("(");
            word = reader.Word();
            reader.Expect(")");
        }
        long addend = reader.TryTake("+") ? reader.Integer() : 0;
        return new PtxRelocation(offset, word, addend);
    }
}
