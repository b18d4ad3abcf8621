using Andrea.Clipping;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Training;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;

namespace Andrea.Benchmarks;

/// <summary>What does monitoring the gradients cost an optimizer step, and a whole training step?</summary>
/// <remarks>Each variant has its clipper, optimizer and monitor over the same parameters and gradients. The updates of every 10th step are
/// measured where nothing else is said, so ten steps are one operation.</remarks>
[MemoryDiagnoser(displayGenColumns: false), Config(typeof(MedianConfig))]
public class MonitorBenchmark
{
    private const int Batch = 4, Steps = 10;

    // So small that parameters stay where they are, however often a step is taken.
    private const double LearningRate = 1e-7;

    private Device _device = null!;
    private GptModel _model = null!;
    private GptPass _pass = null!;
    private int[] _inputs = [], _targets = [];
    private Variant _plain = null!, _normsOnly = null!, _byDefault = null!, _always = null!;

    /// <summary>ANDREA's models, by the names of their presets.</summary>
    [Params("andrea12m", "andrea120m")]
    public string Model { get; set; } = "";

    [ThreadCounts]
    public int Threads { get; set; }

    /// <summary>Tokens of a sequence of the whole step, of which there are 4 in a batch; 0 times the optimizer's half alone.</summary>
    [Params(0, 256)]
    public int Context { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        GptConfig config = Preset.Find(Model).Config;
        _device = Device.Cpu(Threads);
        _model = new GptModel(_device, config);
        _model.Initialize(InitializationKind.Gpt2, seed: 1);
        RandomFill.Normal(_model.Gradients, seed: 2, scale: 0.01f);
        int tokens = Batch * Math.Max(1, Context);
        _pass = new GptPass(_model, Batch, Math.Max(1, Context));
        _inputs = RandomFill.Tokens(tokens, config.VocabularySize, seed: 1);
        _targets = RandomFill.Tokens(tokens, config.VocabularySize, seed: 2);
        _plain = new Variant(this, null);
        _normsOnly = new Variant(this, new GradientMonitorOptions { UpdatesEvery = 0 });
        _byDefault = new Variant(this, new GradientMonitorOptions());
        _always = new Variant(this, new GradientMonitorOptions { UpdatesEvery = 1 });
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (Variant variant in (Variant[])[_plain, _normsOnly, _byDefault, _always])
            variant.Dispose();
        _pass.Dispose();
        _model.Dispose();
        _device.Dispose();
    }

    /// <summary>No monitor.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Steps)]
    public void Plain() => _plain.MakeSteps();

    /// <summary>Gradients every step.</summary>
    [Benchmark(OperationsPerInvoke = Steps)]
    public void GradientsEveryStep() => _normsOnly.MakeSteps();

    /// <summary>Gradients every step, updates every 10th: the default.</summary>
    [Benchmark(OperationsPerInvoke = Steps)]
    public void UpdatesEveryTenthStep() => _byDefault.MakeSteps();

    /// <summary>All of it every step.</summary>
    [Benchmark(OperationsPerInvoke = Steps)]
    public void UpdatesEveryStep() => _always.MakeSteps();

    private void ForwardBackward()
    {
        if (Context == 0)
            return;
        _model.ZeroGradients();
        _pass.ForwardBackward(_inputs, _targets);
    }

    private sealed class Variant : IDisposable
    {
        private readonly MonitorBenchmark _benchmark;
        private readonly GradClipper _clipper;
        private readonly AdamW _optimizer;
        private readonly GradientMonitor? _monitor;

        public Variant(MonitorBenchmark benchmark, GradientMonitorOptions? options)
        {
            _benchmark = benchmark;
            ParameterArena parameters = benchmark._model.Parameters, gradients = benchmark._model.Gradients;
            _clipper = new GradClipper(benchmark._device, gradients);
            _optimizer = new AdamW(benchmark._device, parameters, gradients, clipper: _clipper);
            _monitor = options is null ? null : new GradientMonitor(_clipper, _optimizer, options);
        }

        public void MakeSteps()
        {
            for (int step = 0; step < Steps; step++)
            {
                _benchmark.ForwardBackward();
                _optimizer.Step(LearningRate);
                _ = _monitor?.TryTake(out _);
            }
        }

        public void Dispose()
        {
            _monitor?.Dispose();
            _optimizer.Dispose();
            _clipper.Dispose();
        }
    }

    private sealed class MedianConfig : ManualConfig
    {
        public MedianConfig()
        {
            AddJob(Measurement.Job);
            AddColumn(StatisticColumn.Median, StatisticColumn.Min);
        }
    }
}
