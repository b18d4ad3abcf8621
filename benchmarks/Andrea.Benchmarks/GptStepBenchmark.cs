using Andrea.Clipping;
using Andrea.Gpt;
using Andrea.Optim;
using Andrea.Training;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;

namespace Andrea.Benchmarks;

/// <summary>How long is a training step, and how much of it are forward and backward?</summary>
/// <remarks>On random tokens. <c>andrea bench step</c> times a step's parts, on a GPU, too; <c>benchmarks/peers</c> compares with PyTorch.</remarks>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(TokenConfig))]
public class GptStepBenchmark
{
    private Device _device = null!;
    private GptModel _model = null!;
    private GptPass _pass = null!;
    private GradClipper _clipper = null!;
    private AdamW _optimizer = null!;
    private int[] _inputs = [], _targets = [];

    /// <summary>nanoGPT's CPU configuration, ANDREA's models, GPT-2.</summary>
    public static IEnumerable<Work> Problems =>
    [
        new(Preset.Chars, 12, 64),
        new(Preset.Andrea12M, 4, 256),
        new(Preset.Andrea12M, 4, 1024),
        new(Preset.Andrea120M, 4, 256),
        new(Preset.Gpt2Small, 4, 64),
    ];

    [ParamsSource(nameof(Problems))]
    public Work Problem { get; set; } = null!;

    [ThreadCounts]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _device = Device.Cpu(Threads);
        _model = new GptModel(_device, Problem.Preset.Config);
        _model.Initialize(InitializationKind.Gpt2, seed: 1);
        _pass = new GptPass(_model, Problem.Batch, Problem.Context);
        _clipper = new GradClipper(_device, _model.Gradients, Problem.Preset.Options.Clip);
        _optimizer = new AdamW(_device, _model.Parameters, _model.Gradients, (AdamWOptions)Problem.Preset.Options.Optimizer, _clipper);
        _inputs = RandomFill.Tokens(Problem.Tokens, Problem.Preset.Config.VocabularySize, seed: 1);
        _targets = RandomFill.Tokens(Problem.Tokens, Problem.Preset.Config.VocabularySize, seed: 2);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _optimizer.Dispose();
        _clipper.Dispose();
        _pass.Dispose();
        _model.Dispose();
        _device.Dispose();
    }

    /// <summary>All of it: zeroing, forward, backward, clipping, AdamW.</summary>
    [Benchmark(Baseline = true)]
    public void Step()
    {
        ForwardBackward();
        _optimizer.Step(learningRate: 1e-4);
    }

    [Benchmark]
    public void ForwardBackward()
    {
        _pass.ResetLoss();
        _model.ZeroGradients();
        _pass.ForwardBackward(_inputs, _targets);
    }

    /// <summary>The loss alone.</summary>
    [Benchmark]
    public void Forward() => _pass.Evaluate(_inputs, _targets);

    /// <summary>One model and batch.</summary>
    public sealed record Work(Preset Preset, int Batch, int Context)
    {
        public int Tokens => Batch * Context;

        public override string ToString() => $"{Preset.Name} B{Batch} T{Context}";
    }

    private sealed class TokenConfig : ManualConfig
    {
        public TokenConfig()
        {
            // Five times: some of these steps take seconds.
            AddJob(Measurement.Job.WithWarmupCount(1).WithIterationCount(5));
            AddColumn(StatisticColumn.Median, StatisticColumn.Min);
            AddColumn(new RateColumn("tokens/s", "B T / median time", benchmark => 1e9 * ((Work)benchmark.Parameters[nameof(Problem)]).Tokens));
        }
    }
}
