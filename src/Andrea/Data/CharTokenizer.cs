using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Andrea.Data;

/// <summary>One token per character (Unicode scalar value, not UTF-16 unit) of the text that it is made for, in ascending order.</summary>
/// <remarks>nanoGPT's character tokenizer: on the same text it gives the same tokens. Has no beginning-of-text token.</remarks>
public sealed class CharTokenizer : Tokenizer
{
    internal const string KindName = "char";
    internal const string CharactersName = "characters";

    private const int ScalarCount = 0x110000, PageLength = 256;

    private readonly Rune[] _characters;
    // Token t stands for _utf8[_offsets[t].._offsets[t + 1]].
    private readonly byte[] _utf8;
    private readonly int[] _offsets;
    // Page c >> 8 holds at c & 255 the token of character c plus 1, so that 0 says there is none; pages without a character are missing.
    private readonly int[]?[] _pages = new int[ScalarCount / PageLength][];

    private CharTokenizer(Rune[] characters)
    {
        _characters = characters;
        _offsets = new int[characters.Length + 1];
        _utf8 = new byte[characters.Sum(character => character.Utf8SequenceLength)];
        for (int token = 0; token < characters.Length; token++)
        {
            Rune character = characters[token];
            _offsets[token + 1] = _offsets[token] + character.EncodeToUtf8(_utf8.AsSpan(_offsets[token]));
            int[] page = _pages[character.Value / PageLength] ??= new int[PageLength];
            page[character.Value % PageLength] = token + 1;
        }
    }

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <summary>V: how many different characters the text has.</summary>
    public override int VocabularySize => _characters.Length;

    /// <summary>The characters by token, in ascending order.</summary>
    public ReadOnlySpan<Rune> Characters => _characters;

    /// <summary>Makes the tokenizer whose vocabulary is the characters of a text.</summary>
    /// <param name="text">At least one character.</param>
    /// <returns>A tokenizer that knows these characters and no others.</returns>
    /// <exception cref="TrainingDataException">The text is empty, or has half a surrogate pair.</exception>
    public static CharTokenizer FromText(string text) => FromSource(TextSource.FromText(text));

    /// <summary>Makes the tokenizer whose vocabulary is the characters of a source.</summary>
    /// <param name="source">At least one character. Read once, from beginning to end; stays readable, because what cannot be read twice
    /// is kept in memory.</param>
    /// <returns>A tokenizer that knows these characters and no others.</returns>
    /// <exception cref="TrainingDataException">The source is empty or not UTF-8.</exception>
    /// <exception cref="InvalidOperationException">The source holds a stream that has been read already.</exception>
    public static CharTokenizer FromSource(TextSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var seen = new bool[ScalarCount];
        foreach (TextDocument document in source.Documents)
        {
            document.KeepForRereading();
            using Utf8BlockReader reader = document.OpenReader();
            while (reader.Read())
            {
                MarkCharacters(reader.Text, seen);
                reader.Advance(reader.Text.Length);
            }
        }
        Rune[] characters = [.. Enumerable.Range(0, ScalarCount).Where(value => seen[value]).Select(value => new Rune(value))];
        return characters.Length > 0 ? new CharTokenizer(characters) : throw TrainingDataException.Empty(source);
    }

    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<byte> utf8, bool isFinal, IBufferWriter<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (utf8.IsEmpty)
            return 0;
        Span<int> output = tokens.GetSpan(utf8.Length);
        int position = 0, count = 0;
        while (position < utf8.Length)
        {
            int character = utf8[position], length = 1;
            if (character >= 0x80)
            {
                OperationStatus status = Rune.DecodeFromUtf8(utf8[position..], out Rune rune, out length);
                if (status == OperationStatus.NeedMoreData && !isFinal)
                    break;
                if (status != OperationStatus.Done)
                    throw InvalidTextException.At("the given bytes", utf8[position..], position);
                character = rune.Value;
            }
            int token = (_pages[character / PageLength]?[character % PageLength] ?? 0) - 1;
            if (token < 0)
                throw new UnknownCharacterException(new Rune(character), VocabularySize, position);
            output[count++] = token;
            position += length;
        }
        tokens.Advance(count);
        return position;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> BytesOf(int token) =>
        (uint)token < (uint)VocabularySize ? _utf8.AsSpan(_offsets[token].._offsets[token + 1]) : throw NoSuchToken(token);

    /// <summary>The tokenizer that <see cref="WriteMembers"/> wrote.</summary>
    internal static CharTokenizer FromCharacters(string characters)
    {
        Rune[] runes = [.. characters.EnumerateRunes()];
        bool isAscending = runes.Zip(runes.Skip(1)).All(pair => pair.First < pair.Second);
        return runes.Length > 0 && isAscending
            ? new CharTokenizer(runes)
            : throw new TrainingDataException(
                $"The saved tokenizer is damaged: its '{CharactersName}' are not at least one character in ascending order. Use another checkpoint.");
    }

    private protected override void WriteMembers(Utf8JsonWriter writer) => writer.WriteString(CharactersName, _utf8);

    private static void MarkCharacters(ReadOnlySpan<byte> utf8, bool[] seen)
    {
        for (int position = 0, length; position < utf8.Length; position += length)
        {
            int character = utf8[position];
            length = 1;
            if (character >= 0x80)
            {
                Rune.DecodeFromUtf8(utf8[position..], out Rune rune, out length);
                character = rune.Value;
            }
            seen[character] = true;
        }
    }
}
