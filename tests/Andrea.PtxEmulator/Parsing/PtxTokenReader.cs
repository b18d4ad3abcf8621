using System.Globalization;

namespace Andrea.PtxEmulator.Parsing;

/// <summary>A cursor over tokens.</summary>
internal sealed class PtxTokenReader(List<PtxToken> tokens)
{
    private int _position;

    public PtxToken Peek => tokens[_position];

    public int Line => Peek.Line;

    public PtxToken Take() => Peek.Kind == PtxTokenKind.End ? Peek : tokens[_position++];

    public bool Is(string text) => Peek.Kind is PtxTokenKind.Symbol or PtxTokenKind.Word && Peek.Text == text;

    public bool TryTake(string text)
    {
        bool found = Is(text);
        if (found)
            _position++;
        return found;
    }

    public void Expect(string text)
    {
        if (!TryTake(text))
            throw Error($"expected '{text}', found {Peek}.");
    }

    public string Word()
    {
        if (Peek.Kind != PtxTokenKind.Word)
            throw Error($"expected a name, found {Peek}.");
        return Take().Text;
    }

    public string QuotedText()
    {
        if (Peek.Kind != PtxTokenKind.Text)
            throw Error($"expected a string, found {Peek}.");
        return Take().Text;
    }

    /// <summary>A whole number, with a sign or without.</summary>
    public long Integer()
    {
        bool negative = TryTake("-");
        if (Peek.Kind != PtxTokenKind.Integer)
            throw Error($"expected a whole number, found {Peek}.");
        long value = unchecked((long)Take().Bits);
        return negative ? unchecked(-value) : value;
    }

    public int SmallInteger()
    {
        long value = Integer();
        return value is >= 0 and <= int.MaxValue ? (int)value : throw Error($"{value.ToString(CultureInfo.InvariantCulture)} is out of range.");
    }

    /// <summary>Leaves everything out up to the end of the line it stands on.</summary>
    public void SkipLine(int line)
    {
        while (Peek.Kind != PtxTokenKind.End && Line == line)
            _position++;
    }

    /// <summary>Leaves out <c>{ ... }</c>.</summary>
    public void SkipBraces()
    {
        Expect("{");
        while (!TryTake("}"))
        {
            if (Take().Kind == PtxTokenKind.End)
                throw Error("a section does not end.");
        }
    }

    public PtxException Error(string message) => new(Line, message);
}
