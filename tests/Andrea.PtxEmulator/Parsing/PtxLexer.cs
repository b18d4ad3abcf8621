using System.Globalization;

namespace Andrea.PtxEmulator.Parsing;

internal enum PtxTokenKind
{
    /// <summary>A name with its dotted parts: <c>ld.global.f32</c>, <c>%tid.x</c>, <c>.reg</c>.</summary>
    Word,
    Integer,
    Float,
    Text,
    Symbol,
    End,
}

/// <param name="Bits">The value of a number.</param>
/// <param name="Width">The bits of a float's literal.</param>
internal readonly record struct PtxToken(PtxTokenKind Kind, string Text, int Line, ulong Bits = 0, int Width = 0)
{
    public override string ToString() => Kind == PtxTokenKind.End ? "the end of the text" : $"'{Text}'";
}

/// <summary>Cuts PTX text into tokens; comments and white space fall away.</summary>
internal sealed class PtxLexer(string text)
{
    private int _position;
    private int _line = 1;

    public static List<PtxToken> Tokens(string text)
    {
        var lexer = new PtxLexer(text);
        var tokens = new List<PtxToken>();
        do
            tokens.Add(lexer.Next());
        while (tokens[^1].Kind != PtxTokenKind.End);
        return tokens;
    }

    private PtxToken Next()
    {
        SkipBlank();
        if (_position >= text.Length)
            return new PtxToken(PtxTokenKind.End, "", _line);
        char first = text[_position];
        if (first == '"')
            return QuotedText();
        if (char.IsAsciiDigit(first))
            return Number();
        if (IsNameStart(first) || (first == '.' && _position + 1 < text.Length && IsNameStart(text[_position + 1])))
            return Word();
        _position++;
        return new PtxToken(PtxTokenKind.Symbol, first.ToString(), _line);
    }

    private void SkipBlank()
    {
        while (_position < text.Length)
        {
            char c = text[_position];
            if (c == '\n')
                _line++;
            if (char.IsWhiteSpace(c) || c == '\0')
                _position++;
            else if (At("//"))
                _position = End("\n", 0);
            else if (At("/*"))
            {
                int end = End("*/", 2);
                _line += text.AsSpan(_position, end - _position).Count('\n');
                _position = end;
            }
            else
                return;
        }
    }

    private PtxToken Word()
    {
        int start = _position++;
        while (_position < text.Length && (IsNamePart(text[_position]) || IsJoint()))
            _position += text[_position] == ':' ? 2 : 1;
        return new PtxToken(PtxTokenKind.Word, text[start.._position], _line);
    }

    /// <summary>A dot or a double colon inside a name, as in <c>%tid.x</c> or <c>shared::cta</c>.</summary>
    private bool IsJoint()
    {
        int next = At(".") ? _position + 1 : At("::") ? _position + 2 : text.Length;
        return next < text.Length && IsNamePart(text[next]);
    }

    private PtxToken Number()
    {
        int start = _position++;
        while (_position < text.Length && char.IsAsciiLetterOrDigit(text[_position]))
            _position++;
        string word = text[start.._position];
        bool known;
        ulong bits;
        int width = 0;
        if (word.Length == 10 && word[1] is 'f' or 'F')
            (known, width) = (ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bits), 32);
        else if (word.Length == 18 && word[1] is 'd' or 'D')
            (known, width) = (ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bits), 64);
        else
            known = TryInteger(word.TrimEnd('U'), out bits);
        if (IsJoint())
            return Version(start);
        if (!known)
            throw new PtxException(_line, $"'{word}' is no number that the emulator knows.");
        return new PtxToken(width == 0 ? PtxTokenKind.Integer : PtxTokenKind.Float, word, _line, bits, width);
    }

    /// <summary><c>8.4</c>: a word, since PTX knows no decimal fractions.</summary>
    private PtxToken Version(int start)
    {
        _position++;
        while (_position < text.Length && char.IsAsciiDigit(text[_position]))
            _position++;
        return new PtxToken(PtxTokenKind.Word, text[start.._position], _line);
    }

    private static bool TryInteger(string word, out ulong bits)
    {
        if (word.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return ulong.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bits);
        // A leading zero would be octal; nobody writes it, so it is refused rather than misread.
        bits = 0;
        return (word.Length == 1 || word[0] != '0') && ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out bits);
    }

    private PtxToken QuotedText()
    {
        int start = ++_position;
        while (_position < text.Length && text[_position] is not ('"' or '\n'))
            _position++;
        if (_position >= text.Length || text[_position] != '"')
            throw new PtxException(_line, "A string does not end on its line.");
        return new PtxToken(PtxTokenKind.Text, text[start.._position++], _line);
    }

    private bool At(string word) => string.CompareOrdinal(text, _position, word, 0, word.Length) == 0;

    private int End(string word, int extra)
    {
        int end = text.IndexOf(word, _position, StringComparison.Ordinal);
        return end < 0 ? text.Length : end + extra;
    }

    private static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c is '_' or '$' or '%';

    private static bool IsNamePart(char c) => IsNameStart(c) || char.IsAsciiDigit(c);
}
