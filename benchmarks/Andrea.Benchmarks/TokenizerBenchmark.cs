using System.Buffers;
using System.Text;
using Andrea.Data;
using BenchmarkDotNet.Attributes;

namespace Andrea.Benchmarks;

/// <summary>How fast is text encoded, on one thread?</summary>
/// <remarks>On the built-in corpus. GPT-2's encoder takes part where <see cref="TokenizerReport.Gpt2Variable"/> names its files; without them its line
/// measures nothing.</remarks>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(TokenizerConfig))]
public class TokenizerBenchmark
{
    /// <summary>Bytes of text that one call encodes.</summary>
    internal const int Length = 1 << 20;

    private readonly ArrayBufferWriter<int> _tokens = new(Length);
    private readonly ByteTokenizer _byte = new();
    private byte[] _text = [];
    private HarrisTokenizer _harris = null!;
    private Tokenizer? _gpt2;

    /// <summary>Segments of the tokenizer of morphemes.</summary>
    [Params(512, 2048)]
    public int Segments { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        string text = BuiltInCorpus.Generate(seed: 1, characters: Length);
        _text = Encoding.UTF8.GetBytes(text);
        _harris = HarrisTokenizer.FromText(text, Segments);
        _gpt2 = TokenizerReport.OpenGpt2();
    }

    [Benchmark(Baseline = true)]
    public int Bytes() => Encode(_byte);

    [Benchmark]
    public int Harris() => Encode(_harris);

    [Benchmark]
    public int Gpt2() => _gpt2 is null ? 0 : Encode(_gpt2);

    private int Encode(Tokenizer tokenizer)
    {
        _tokens.ResetWrittenCount();
        tokenizer.Encode(_text, isFinal: true, _tokens);
        return _tokens.WrittenCount;
    }
}
