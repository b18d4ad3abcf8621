using System.Globalization;
using System.Text.Json;

namespace Andrea.Data.Gpt2;

/// <summary>Reads the files in which GPT-2's vocabulary is published.</summary>
internal static class Gpt2Files
{
    private const int MostTokens = 1 << 24;

    /// <summary>The two files of OpenAI and Hugging Face.</summary>
    public static Gpt2Vocabulary Read(string vocabularyPath, string mergesPath)
    {
        Dictionary<string, int> tokens = ReadNumbers(vocabularyPath);
        int? mark = tokens.TryGetValue(Gpt2Vocabulary.EndOfTextName, out int number) ? number : null;
        var bytes = new byte[tokens.Count][];
        foreach ((string text, int token) in tokens)
        {
            if ((uint)token >= (uint)bytes.Length || bytes[token] is not null)
                throw Wrong(vocabularyPath, $"token '{text}' has the number {token}; expected each number from 0 to {bytes.Length - 1} once");
            bytes[token] = token == mark
                ? []
                : Gpt2Alphabet.ToBytes(text) ?? throw Wrong(vocabularyPath, $"token '{text}' has a character that stands for no byte");
        }
        var merges = new List<int>();
        int line = 0;
        foreach (string text in File.ReadLines(mergesPath))
        {
            line++;
            if (text.Length == 0 || (line == 1 && text.StartsWith("#version", StringComparison.Ordinal)))
                continue;
            string[] pair = text.Split(' ');
            if (pair.Length != 2 || !tokens.TryGetValue(pair[0], out int left) || !tokens.TryGetValue(pair[1], out int right)
                || !tokens.ContainsKey(pair[0] + pair[1]))
            {
                throw Wrong(mergesPath, $"line {line} is '{text}'; expected two tokens of '{vocabularyPath}' that make a third");
            }
            merges.Add(left);
            merges.Add(right);
        }
        return new Gpt2Vocabulary(bytes, [.. merges], mark);
    }

    /// <summary>The one file of tiktoken.</summary>
    public static Gpt2Vocabulary ReadTiktoken(string path)
    {
        var tokens = new SortedDictionary<int, byte[]>();
        int line = 0;
        foreach (string text in File.ReadLines(path))
        {
            line++;
            if (text.Length == 0)
                continue;
            string[] parts = text.Split(' ');
            var bytes = new byte[parts[0].Length];
            bool isRight = parts.Length == 2 && Convert.TryFromBase64String(parts[0], bytes, out int length) && length > 0
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int token)
                && tokens.TryAdd(token, bytes[..length]);
            if (!isRight)
                throw Wrong(path, $"line {line} is '{text}'; expected the bytes of a token in base64, a space, and a number of its own");
        }
        if (tokens.Count is 0 or > MostTokens || tokens.Keys.Last() != tokens.Count - 1)
            throw Wrong(path, $"the numbers of its {tokens.Count} tokens are not those from 0 up");
        return new Gpt2Vocabulary([.. tokens.Values, []], Merges: null, EndOfText: tokens.Count);
    }

    private static Dictionary<string, int> ReadNumbers(string path)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
            var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (JsonProperty token in json.RootElement.EnumerateObject())
                numbers.Add(token.Name, token.Value.GetInt32());
            return numbers;
        }
        // Not an object, a member that comes twice, one that is no whole number, half a surrogate pair.
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw Wrong(path, "it is not a JSON object from tokens to whole numbers");
        }
    }

    private static TrainingDataException Wrong(string path, string what) =>
        new($"The file '{path}' is none of GPT-2's: {what}. Give the files as they are published.");
}
