using System.Numerics.Tensors;
using Andrea.Numerics;
using Andrea.Tensors;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using Tensor = Andrea.Tensors.Tensor;

namespace Andrea.Benchmarks;

/// <summary>What attention in tiles gains over the plain way, which computes a row of scores,
/// its softmax and its weighted sum one after the other.</summary>
/// <remarks>Multiply-adds of the causal half, forward: 2 B H D T (T + 1) / 2; backward 2.5 times as many. Decoding reads 8 H D T bytes.</remarks>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(Columns))]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByParams)]
public class AttentionBenchmark
{
    private Device _device = null!;
    private float[] _values = null!, _plainOutput = null!, _scores = null!;
    private Tensor _qkv, _output, _logSumExp, _dOutput, _dQkv, _keyCache, _valueCache;

    /// <summary>B, T, H, D: nanoGPT's CPU configuration, Andrea12M, GPT-2.</summary>
    public static IEnumerable<Sizes> Problems =>
        [new(12, 64, 4, 32), new(4, 256, 12, 32), new(4, 1024, 12, 32), new(4, 64, 12, 64), new(4, 256, 12, 64), new(4, 1024, 12, 64)];

    [ParamsSource(nameof(Problems))]
    public Sizes Problem { get; set; }

    /// <summary>Threads of <see cref="Forward"/>, <see cref="Backward"/> and <see cref="Decode"/>.</summary>
    [ThreadCounts]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        (int batch, int tokens, int heads, int headSize) = Problem;
        _device = Device.Cpu(Threads);
        _values = Normal(1, batch, tokens, 3 * heads * headSize).ToArray();
        _plainOutput = new float[batch * tokens * heads * headSize];
        _scores = new float[tokens];
        _qkv = Normal(1, batch, tokens, 3 * heads * headSize);
        _output = Normal(2, batch, tokens, heads, headSize);
        _dOutput = Normal(3, batch, tokens, heads, headSize);
        _logSumExp = Normal(4, batch, heads, tokens);
        _dQkv = Normal(5, batch, tokens, 3 * heads * headSize);
        _keyCache = Normal(6, heads, tokens, headSize);
        _valueCache = Normal(7, heads, tokens, headSize);
        Forward();
    }

    [GlobalCleanup]
    public void Cleanup() => _device.Dispose();

    [Benchmark(Baseline = true)]
    public void PlainForwardOneThread()
    {
        for (int sequence = 0; sequence < Problem.Batch; sequence++)
            for (int head = 0; head < Problem.Heads; head++)
                for (int token = 0; token < Problem.Tokens; token++)
                    PlainRow(sequence, head, token);
    }

    [Benchmark]
    public void Forward() =>
        _device.Backend.AttentionForward(_qkv, Problem.Batch, Problem.Tokens, Problem.Heads, Problem.HeadSize, _output, _logSumExp);

    [Benchmark]
    public void Backward() => _device.Backend.AttentionBackward(
        _dOutput, _qkv, _output, _logSumExp, Problem.Batch, Problem.Tokens, Problem.Heads, Problem.HeadSize, _dQkv);

    /// <summary>One more token, after all others of one sequence.</summary>
    [Benchmark]
    public void Decode() =>
        _device.Backend.AttentionDecode(_qkv, Problem.Tokens - 1, Problem.Heads, Problem.HeadSize, _keyCache, _valueCache, _output);

    private void PlainRow(int sequence, int head, int token)
    {
        int size = Problem.HeadSize;
        Span<float> scores = _scores.AsSpan(0, token + 1);
        ReadOnlySpan<float> query = Row(token, 0);
        for (int key = 0; key <= token; key++)
            scores[key] = TensorPrimitives.Dot(query, Row(key, 1));
        TensorPrimitives.Multiply(scores, 1 / MathF.Sqrt(size), scores);
        TensorPrimitives.SoftMax(scores, scores);
        Span<float> output = _plainOutput.AsSpan(((sequence * Problem.Tokens + token) * Problem.Heads + head) * size, size);
        output.Clear();
        for (int key = 0; key <= token; key++)
            TensorPrimitives.MultiplyAdd(Row(key, 2), scores[key], output, output);

        ReadOnlySpan<float> Row(int position, int part) =>
            _values.AsSpan((((sequence * Problem.Tokens + position) * 3 + part) * Problem.Heads + head) * size, size);
    }

    private Tensor Normal(ulong seed, params ReadOnlySpan<long> sizes)
    {
        var shape = new TensorShape(sizes);
        var random = new Philox(seed);
        var values = new float[shape.Length];
        foreach (ref float value in values.AsSpan())
            value = (float)random.NextNormal();
        var tensor = new Tensor(_device.Backend.Allocate<float>(shape.Length), 0, shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>Sizes of one problem.</summary>
    public readonly record struct Sizes(int Batch, int Tokens, int Heads, int HeadSize)
    {
        public override string ToString() => $"B{Batch} T{Tokens} H{Heads} D{HeadSize}";

        /// <summary>Floating-point operations of a method: scores and weighted sums of the keys that a query sees.</summary>
        public double OperationsOf(string method)
        {
            double forward = 4.0 * Batch * Heads * HeadSize * Tokens * (Tokens + 1) / 2;
            return method switch
            {
                nameof(Backward) => 2.5 * forward,
                nameof(Decode) => 4.0 * Heads * HeadSize * Tokens,
                _ => forward,
            };
        }
    }

    private sealed class Columns : ManualConfig
    {
        public Columns()
        {
            AddJob(Measurement.Job);
            AddColumn(StatisticColumn.Median, StatisticColumn.Min);
            AddColumn(new RateColumn(
                "GFLOP/s",
                "operations of the causal half / median time",
                benchmark => ((Sizes)benchmark.Parameters[nameof(Problem)]).OperationsOf(benchmark.Descriptor.WorkloadMethod.Name)));
        }
    }
}
