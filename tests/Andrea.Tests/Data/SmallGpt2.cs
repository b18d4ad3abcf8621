using System.Text;
using Andrea.Data.Gpt2;
using Andrea.Tests.Support;

namespace Andrea.Tests.Data;

/// <summary>Files in the form of GPT-2's, with a handful of merges.</summary>
internal static class SmallGpt2
{
    /// <summary>In GPT-2's way of writing bytes; each makes token 256, 257, ...</summary>
    public static readonly string[] Merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "Ġw o", "a a", "aa aa", "Ã ©", "Ġ Ġ", "1 9"];

    /// <summary>Token of the mark between documents.</summary>
    public static int Mark => 256 + Merges.Length;

    /// <summary>Tokens in the order of their numbers: bytes in the order of GPT-2's files, merged ones, the mark.</summary>
    public static IEnumerable<string> Tokens =>
    [
        .. Enumerable.Range(0, 256).OrderBy(IsUnprintable).Select(value => Gpt2Alphabet.ToText([(byte)value])),
        .. Merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal)),
        Gpt2Vocabulary.EndOfTextName,
    ];

    /// <summary>Writes vocab.json and merges.txt.</summary>
    /// <returns>The path of the first.</returns>
    public static string Write(TemporaryFolder folder, string vocabulary = "vocab.json", string merges = "merges.txt")
    {
        var json = new StringBuilder("{");
        foreach ((int token, string text) in Tokens.Index())
            json.Append(token == 0 ? "" : ",").Append('"').Append(System.Text.Json.JsonEncodedText.Encode(text)).Append("\":").Append(token);
        folder.Write(merges, Encoding.UTF8.GetBytes("#version: 0.2\n" + string.Join('\n', Merges) + "\n"));
        return folder.Write(vocabulary, Encoding.UTF8.GetBytes(json.Append('}').ToString()));
    }

    /// <summary>Writes small.tiktoken.</summary>
    public static string WriteTiktoken(TemporaryFolder folder)
    {
        IEnumerable<string> lines = Tokens.SkipLast(1).Select((text, token) => $"{Convert.ToBase64String(Gpt2Alphabet.ToBytes(text)!)} {token}\n");
        return folder.Write("small.tiktoken", Encoding.UTF8.GetBytes(string.Concat(lines)));
    }

    private static bool IsUnprintable(int value) => value is < '!' or (> '~' and < 0xA1) or 0xAD;
}
