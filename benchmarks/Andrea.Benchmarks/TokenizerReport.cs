using System.Buffers;
using System.Globalization;
using Andrea.Data;

namespace Andrea.Benchmarks;

/// <summary>How many bytes has a token, and how fast is text encoded? Prints a table for a text, as markdown.</summary>
internal static class TokenizerReport
{
    /// <summary>Names a folder or file of GPT-2's vocabulary, for a line beside the others.</summary>
    public const string Gpt2Variable = "ANDREA_GPT2_FILES";

    private const double HeldBack = 0.1;

    /// <param name="arguments"><c>--text PATH</c> (the built-in corpus, <c>--characters N</c> of it, if it is not given), <c>--reps N</c>.</param>
    public static void Measure(Arguments arguments)
    {
        string path = arguments.Text("--text", "");
        int characters = arguments.Number("--characters", 10_000_000);
        int repetitions = arguments.Number("--reps", 5);
        arguments.ThrowIfUnknown();
        TextSource source = path.Length > 0 ? TextSource.FromFiles(path) : TextSource.FromText(BuiltInCorpus.Generate(seed: 1, characters));
        (TextSource learned, TextSource held) = source.Split(HeldBack);
        byte[] bytes = ReadAll(source);
        WriteLine($"{(path.Length > 0 ? Path.GetFileName(path) : "the built-in corpus")}, {bytes.Length / 1e6:0.0} MB; the last {HeldBack:0%} was not learned from\n");
        WriteLine($"| tokenizer | vocabulary | bytes per token, learned from | held back | learned in, s | encoded, MB/s |\n|---|---|---|---|---|---|");
        WriteRow("byte", new ByteTokenizer(), null);
        foreach (int size in (int[])[.. HarrisTokenizer.UsualSizes])
        {
            try
            {
                HarrisTokenizer? tokenizer = null;
                double seconds = Reports.Time(() => tokenizer = HarrisTokenizer.FromSource(learned, size)) / 1000;
                WriteRow($"harris-{size}", tokenizer!, seconds);
            }
            catch (TrainingDataException exception)
            {
                WriteLine($"| harris-{size} | {exception.Message} | | | | |");
            }
        }
        if (OpenGpt2() is { } gpt2)
            WriteRow("GPT-2", gpt2, null);

        void WriteRow(string name, Tokenizer tokenizer, double? seconds)
        {
            string time = seconds?.ToString("0.0", CultureInfo.InvariantCulture) ?? "";
            WriteLine(
                $"| {name} | {tokenizer.VocabularySize} | {TokenCounter.Count(learned, tokenizer).BytesPerToken:0.00} | {TokenCounter.Count(held, tokenizer).BytesPerToken:0.00} | {time} | {Rate(tokenizer, bytes, repetitions):0} |");
        }
    }

    /// <summary>GPT-2's tokenizer, if its files are at hand.</summary>
    public static Tokenizer? OpenGpt2() => Environment.GetEnvironmentVariable(Gpt2Variable) is { Length: > 0 } path ? Tokenizer.Load(path) : null;

    private static double Rate(Tokenizer tokenizer, byte[] text, int repetitions)
    {
        var tokens = new ArrayBufferWriter<int>(text.Length);
        var times = new List<double>();
        // The first round compiles and maps memory.
        for (int repetition = -1; repetition < repetitions; repetition++)
        {
            tokens.ResetWrittenCount();
            double time = Reports.Time(() => tokenizer.Encode(text, isFinal: true, tokens));
            if (repetition >= 0)
                times.Add(time);
        }
        times.Sort();
        return text.Length / 1000.0 / times[times.Count / 2];
    }

    private static byte[] ReadAll(TextSource source)
    {
        using var all = new MemoryStream();
        foreach (TextDocument document in source.Documents)
        {
            using Stream stream = document.Open();
            stream.CopyTo(all);
        }
        return all.ToArray();
    }

    private static void WriteLine(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
