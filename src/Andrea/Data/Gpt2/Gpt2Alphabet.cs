using System.Text;

namespace Andrea.Data.Gpt2;

/// <summary>The characters that stand for bytes in GPT-2's files, none of them white space: printable ones of Latin-1 for themselves, U+0100
/// and up for the others, in ascending order. A space is U+0120, Ġ.</summary>
internal static class Gpt2Alphabet
{
    private const int ByteCount = 256;

    private static readonly char[] Characters = CreateCharacters();
    private static readonly Dictionary<char, byte> Bytes =
        Enumerable.Range(0, ByteCount).ToDictionary(value => Characters[value], value => (byte)value);

    /// <summary>Bytes as GPT-2's files write them.</summary>
    public static string ToText(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (byte value in bytes)
            text.Append(Characters[value]);
        return text.ToString();
    }

    /// <summary>The bytes that were written so; null if a character stands for none.</summary>
    public static byte[]? ToBytes(ReadOnlySpan<char> text)
    {
        var bytes = new byte[text.Length];
        for (int i = 0; i < text.Length; i++)
            if (!Bytes.TryGetValue(text[i], out bytes[i]))
                return null;
        return bytes;
    }

    private static char[] CreateCharacters()
    {
        var characters = new char[ByteCount];
        int others = 0;
        for (int value = 0; value < ByteCount; value++)
        {
            bool isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            characters[value] = (char)(isPrintable ? value : ByteCount + others++);
        }
        return characters;
    }
}
