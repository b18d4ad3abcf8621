using Andrea.Backends;
using Andrea.Tensors;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;

namespace Andrea.Benchmarks;

/// <summary>How fast are a GPT's linear layers, on one core and on all, beside OpenBLAS (the baseline, where it is installed)?</summary>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(Columns))]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByParams, BenchmarkLogicalGroupRule.ByCategory), CategoriesColumn]
public unsafe class MatMulBenchmark
{
    private readonly List<DeviceBuffer<float>> _buffers = [];
    private Device _device = null!;
    private Tensor _input, _weight, _output;

    /// <summary>Layers of the presets at usual batches, the heads, a long batch, and one token (generation).</summary>
    public static IEnumerable<LayerShape> Shapes =>
    [
        new("chars mlp", 768, 128, 512),
        new("chars head", 768, 128, 65),
        new("12M qkv", 1024, 384, 1152),
        new("12M mlp out", 1024, 1536, 384),
        new("12M head", 1024, 384, 2305),
        new("120M attention out", 4096, 768, 768),
        new("120M mlp", 4096, 768, 3072),
        new("gpt2 mlp", 256, 768, 3072),
        new("gpt2 head", 256, 768, 50257),
        new("one token, mlp", 1, 768, 3072),
        new("one token, gpt2 head", 1, 768, 50257),
    ];

    [ParamsSource(nameof(Shapes))]
    public LayerShape Shape { get; set; } = null!;

    [ThreadCounts]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _device = Device.Cpu(Threads);
        _input = Allocate(Shape.Rows, Shape.InputSize);
        _weight = Allocate(Shape.OutputSize, Shape.InputSize);
        _output = Allocate(Shape.Rows, Shape.OutputSize);
        if (OpenBlas.IsInstalled)
            OpenBlas.SetThreads(Threads);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _buffers.ForEach(buffer => buffer.Dispose());
        _buffers.Clear();
        _device.Dispose();
    }

    [Benchmark, BenchmarkCategory("forward")]
    public void Forward() =>
        Backend.LinearForward(_input, _weight, Tensor.None, Tensor.None, Shape.Rows, Shape.InputSize, Shape.OutputSize, _output);

    [Benchmark(Baseline = true), BenchmarkCategory("forward")]
    public void ForwardOpenBlas() =>
        OpenBlas.MultiplyTransposed(Data(_input), Data(_weight), Shape.Rows, Shape.OutputSize, Shape.InputSize, Data(_output));

    [Benchmark, BenchmarkCategory("backward input")]
    public void BackwardInput() => Backend.LinearBackwardInput(_output, _weight, Shape.Rows, Shape.InputSize, Shape.OutputSize, _input);

    [Benchmark(Baseline = true), BenchmarkCategory("backward input")]
    public void BackwardInputOpenBlas() =>
        OpenBlas.Multiply(Data(_output), Data(_weight), Shape.Rows, Shape.InputSize, Shape.OutputSize, Data(_input));

    [Benchmark, BenchmarkCategory("backward weight")]
    public void BackwardWeight() =>
        Backend.LinearBackwardWeight(_output, _input, Shape.Rows, Shape.InputSize, Shape.OutputSize, _weight, Tensor.None);

    [Benchmark(Baseline = true), BenchmarkCategory("backward weight")]
    public void BackwardWeightOpenBlas() =>
        OpenBlas.AddTransposedProduct(Data(_output), Data(_input), Shape.OutputSize, Shape.InputSize, Shape.Rows, Data(_weight));

    private IBackend Backend => _device.Backend;

    private static float* Data(Tensor tensor) => (float*)tensor.Address;

    private Tensor Allocate(long rows, long columns)
    {
        DeviceBuffer<float> buffer = Backend.Allocate<float>(rows * columns);
        _buffers.Add(buffer);
        var tensor = new Tensor(buffer, 0, new TensorShape(rows, columns));
        Backend.Fill(0.01f, tensor);
        return tensor;
    }

    /// <summary>One linear layer.</summary>
    public sealed record LayerShape(string Name, int Rows, int InputSize, int OutputSize)
    {
        /// <summary>2 rows I O, the same for each of the three products.</summary>
        public double FloatingPointOperations => 2.0 * Rows * InputSize * OutputSize;

        public override string ToString() => $"{Name} ({Rows} x {InputSize} x {OutputSize})";
    }

    private sealed class Columns : ManualConfig
    {
        public Columns()
        {
            AddJob(Measurement.Job);
            AddColumn(StatisticColumn.Median, StatisticColumn.Min);
            AddColumn(new RateColumn(
                "GFLOP/s per thread",
                "2 rows I O / median time / threads",
                benchmark => ((LayerShape)benchmark.Parameters[nameof(Shape)]).FloatingPointOperations / (int)benchmark.Parameters[nameof(Threads)]));
            SummaryStyle = SummaryStyle.Default.WithMaxParameterColumnWidth(60);
        }
    }
}
