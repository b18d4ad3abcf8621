using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Gpt;
using Andrea.Numerics;
using Andrea.Optim;

namespace Andrea.Cli.Bench;

/// <summary>Times whole training steps of a model on random tokens, then the parts that they are made of.</summary>
internal sealed class StepBench : IDisposable
{
    private readonly CudaTimeline? _timeline;
    private readonly TimingBackend _timing;
    private readonly Device _device;
    private readonly GptModel _model;
    private readonly GptPass _pass;
    private readonly GradClipper _clipper;
    private readonly AdamW _optimizer;
    private readonly int[] _inputs, _targets;

    /// <param name="backend">Where to compute; not owned.</param>
    /// <param name="config">The model.</param>
    /// <param name="batchSize">Sequences in a batch.</param>
    /// <param name="tokenCount">Tokens in a sequence.</param>
    public StepBench(IBackend backend, GptConfig config, int batchSize, int tokenCount)
    {
        _timeline = (backend as CudaBackend)?.CreateTimeline();
        _timing = new TimingBackend(backend, _timeline);
        _device = new Device(_timing);
        _model = new GptModel(_device, config);
        _model.Initialize(InitializationKind.Gpt2, seed: 1);
        _pass = new GptPass(_model, batchSize, tokenCount);
        _clipper = new GradClipper(_device, _model.Gradients);
        _optimizer = new AdamW(_device, _model.Parameters, _model.Gradients, clipper: _clipper);
        _inputs = new int[batchSize * tokenCount];
        _targets = new int[_inputs.Length];
        var random = new Philox(seed: 1);
        for (int i = 0; i < _inputs.Length; i++)
        {
            _inputs[i] = random.NextInt32(config.VocabularySize);
            _targets[i] = random.NextInt32(config.VocabularySize);
        }
    }

    /// <summary>The whole step first, then its parts, the longest first.</summary>
    public IReadOnlyList<BenchResult> Run(int repetitions)
    {
        Warmup.Run(() =>
        {
            Step();
            _timing.Synchronize();
        });
        var whole = new Timings();
        int count = BatchSize.For(_timing, Step);
        for (int i = 0; i < repetitions; i++)
            whole.Measure(Step, count, _timing.Synchronize);
        Part[] parts = Enum.GetValues<Part>();
        Timings[] timings = [.. parts.Select(_ => new Timings())];
        _timing.Enabled = true;
        for (int i = 0; i < repetitions; i++)
        {
            _timing.Reset();
            Step();
            _timing.Synchronize();
            for (int part = 0; part < parts.Length; part++)
                timings[part].Add(_timing.MillisecondsOf(parts[part]));
        }
        _timing.Enabled = false;
        double operations = parts.Sum(_timing.OperationsOf);
        BenchResult step = whole.ToResult("step", operations: operations, tokens: _inputs.Length);
        IEnumerable<BenchResult> results = parts
            .Select((part, i) => timings[i].ToResult(part.NameOf(), operations: _timing.OperationsOf(part), wholeMs: step.MedianMs))
            .Where(result => result.MedianMs > 0)
            .OrderByDescending(result => result.MedianMs);
        return [step, .. results];
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _clipper.Dispose();
        _pass.Dispose();
        _model.Dispose();
        _timeline?.Dispose();
    }

    private void Step()
    {
        _pass.ResetLoss();
        _model.ZeroGradients();
        _pass.ForwardBackward(_inputs, _targets);
        _optimizer.Step(learningRate: 1e-4);
    }
}
