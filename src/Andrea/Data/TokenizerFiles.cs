using System.Text.Json;

namespace Andrea.Data;

/// <summary>Tokenizers in files, of whatever kind.</summary>
internal static class TokenizerFiles
{
    private const string TiktokenExtension = ".tiktoken";

    private static readonly (string Vocabulary, string Merges)[] Gpt2Names = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];

    /// <summary>See <see cref="Tokenizer.Load"/>.</summary>
    public static Tokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = Directory.Exists(path) ? FileIn(path) : path;
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"There is no tokenizer '{path}'; expected a file such as {HarrisTokenizer.FileName}, vocab.json beside merges.txt, or gpt2{TiktokenExtension}.", path);
        }
        if (path.EndsWith(TiktokenExtension, StringComparison.OrdinalIgnoreCase))
            return Gpt2Tokenizer.FromTiktoken(path);
        foreach ((string vocabulary, string merges) in Gpt2Names)
            if (Path.GetFileName(path) == vocabulary)
                return Gpt2Tokenizer.FromFiles(path, Path.Combine(Path.GetDirectoryName(path)!, merges));
        try
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
            return Tokenizer.Read(json.RootElement);
        }
        catch (JsonException)
        {
            throw new TrainingDataException(
                $"The file '{path}' is no tokenizer: it is not JSON; expected {HarrisTokenizer.FileName}, vocab.json or a {TiktokenExtension} file.");
        }
    }

    /// <summary>See <see cref="Tokenizer.Save"/>.</summary>
    public static void Save(Tokenizer tokenizer, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string temporary = path + ".tmp";
        using (FileStream stream = File.Create(temporary))
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
            tokenizer.Write(writer);
        File.Move(temporary, path, overwrite: true);
    }

    private static string FileIn(string folder)
    {
        string[] names = [HarrisTokenizer.FileName, .. Gpt2Names.Select(pair => pair.Vocabulary)];
        return names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
            ?? throw new TrainingDataException($"The folder '{folder}' has no tokenizer; looked for {string.Join(", ", names)}.");
    }
}
