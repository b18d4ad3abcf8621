using System.Diagnostics;
using Andrea.Backends;
using Andrea.Cuda;
using Andrea.Tensors;

namespace Andrea.Cli.Bench;

/// <summary>A backend that does what another does, and keeps the time of every operation. For benchmarks only.</summary>
/// <param name="inner">The other backend.</param>
/// <param name="timeline">The GPU's own clock, which makes waits unnecessary; not owned. Null waits after every operation.</param>
internal sealed class TimingBackend(IBackend inner, CudaTimeline? timeline = null) : IBackend
{
    // What operations get as their beginning when no time is taken.
    private const long NotTimed = -1;

    private readonly List<(Part Part, int First, int Last)> _spans = [];
    private readonly long[] _ticks = new long[Enum.GetValues<Part>().Length];
    private readonly double[] _operations = new double[Enum.GetValues<Part>().Length];

    /// <summary>Whether time is taken; off, operations are passed on as they are.</summary>
    public bool Enabled { get; set; }

    public string Name => inner.Name;

    public string Description => inner.Description;

    /// <summary>Time spent in a part since the last <see cref="Reset"/>; all operations must have been waited for.</summary>
    public double MillisecondsOf(Part part) => timeline is null
        ? _ticks[(int)part] * 1000.0 / Stopwatch.Frequency
        : _spans.Where(span => span.Part == part).Sum(span => timeline.MillisecondsBetween(span.First, span.Last));

    /// <summary>Floating-point operations of a part since the last <see cref="Reset"/>; counted for matrix products only.</summary>
    public double OperationsOf(Part part) => _operations[(int)part];

    public void Reset()
    {
        Array.Clear(_ticks);
        Array.Clear(_operations);
        _spans.Clear();
        timeline?.Reset();
    }

    public DeviceBuffer<T> Allocate<T>(long length)
        where T : unmanaged => inner.Allocate<T>(length);

    public IReadback<T> CreateReadback<T>(int capacity, int length = 1)
        where T : unmanaged => inner.CreateReadback<T>(capacity, length);

    public void Store<T>(T value, DeviceBuffer<T> target)
        where T : unmanaged
    {
        long started = Begin();
        inner.Store(value, target);
        End(Part.Other, started);
    }

    public void Upload<T>(ReadOnlySpan<T> source, DeviceBuffer<T> target)
        where T : unmanaged
    {
        long started = Begin();
        inner.Upload(source, target);
        End(Part.Other, started);
    }

    public void Copy<T>(DeviceBuffer<T> source, DeviceBuffer<T> target)
        where T : unmanaged
    {
        long started = Begin();
        inner.Copy(source, target);
        End(Part.Other, started);
    }

    public bool IsRecording => inner.IsRecording;

    public IRecording Record(Action work) => new TimedRecording(this, inner.Record(work), work);

    public string? ComplaintAbout(nint address, long bytes) => inner.ComplaintAbout(address, bytes);

    public void Fill(float value, Tensor target)
    {
        long started = Begin();
        inner.Fill(value, target);
        End(Part.ZeroGradients, started);
    }

    public void Synchronize() => inner.Synchronize();

    public void Dispose() => inner.Dispose();

    public void GradNormPartial(ChunkTable table, DeviceBuffer<ChunkPartial> partials)
    {
        long started = Begin();
        inner.GradNormPartial(table, partials);
        End(Part.ClipNorm, started);
    }

    public void GradNormFinal(
        ChunkTable table, DeviceBuffer<ChunkPartial> partials, ClipSettings settings, DeviceBuffer<TensorNorm> tensorNorms, DeviceBuffer<ClipState> state)
    {
        long started = Begin();
        inner.GradNormFinal(table, partials, settings, tensorNorms, state);
        End(Part.ClipNorm, started);
    }

    public void GradScale(ChunkTable table, ClipOutcome clip)
    {
        long started = Begin();
        inner.GradScale(table, clip);
        End(Part.ClipScale, started);
    }

    public void PrepareClipPolicies() => inner.PrepareClipPolicies();

    public void ClipPerTensor(ClipSettings settings, ClipOutcome clip)
    {
        long started = Begin();
        inner.ClipPerTensor(settings, clip);
        End(Part.ClipNorm, started);
    }

    public void ClipZScore(ClipSettings settings, ZClipSettings zClip, ClipOutcome clip, DeviceBuffer<ZClipState> state, DeviceBuffer<double> warmup)
    {
        long started = Begin();
        inner.ClipZScore(settings, zClip, clip, state, warmup);
        End(Part.ClipNorm, started);
    }

    public void ClipAdaGc(ClipSettings settings, AdaGcSettings adaGc, ClipOutcome clip, DeviceBuffer<long> steps, DeviceBuffer<double> runningNorms)
    {
        long started = Begin();
        inner.ClipAdaGc(settings, adaGc, clip, steps, runningNorms);
        End(Part.ClipNorm, started);
    }

    public void GradClamp(ChunkTable table, DeviceBuffer<ChunkPartial> partials, float limit, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        long started = Begin();
        inner.GradClamp(table, partials, limit, clip, parts);
        End(Part.ClipScale, started);
    }

    public void GradAgc(ChunkTable table, DeviceBuffer<AgcTensor> tensors, AgcSettings agc, ClipOutcome clip, DeviceBuffer<ClippedPart> parts)
    {
        long started = Begin();
        inner.GradAgc(table, tensors, agc, clip, parts);
        End(Part.ClipScale, started);
    }

    public void ClipPartsFinal(DeviceBuffer<int> firstParts, DeviceBuffer<ClippedPart> parts, ClipOutcome clip)
    {
        long started = Begin();
        inner.ClipPartsFinal(firstParts, parts, clip);
        End(Part.ClipNorm, started);
    }

    public void AdamW(
        ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings, DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state, ClipOutcome? clip)
    {
        long started = Begin();
        inner.AdamW(table, tensors, settings, learningRate, state, clip);
        End(Part.AdamW, started);
    }

    public void AdamWMeasured(
        ChunkTable table, DeviceBuffer<AdamWTensor> tensors, AdamWSettings settings, DeviceBuffer<double> learningRate,
        DeviceBuffer<AdamWState> state, ClipOutcome? clip, DeviceBuffer<UpdateSums> partials)
    {
        long started = Begin();
        inner.AdamWMeasured(table, tensors, settings, learningRate, state, clip, partials);
        End(Part.AdamW, started);
    }

    public void UpdateFinal(ChunkTable table, DeviceBuffer<UpdateSums> partials, DeviceBuffer<UpdateSums> updates)
    {
        long started = Begin();
        inner.UpdateFinal(table, partials, updates);
        End(Part.AdamW, started);
    }

    public void SoftSign(in UpdateOperands operands, SoftSignSettings settings, DeviceBuffer<UpdateSums>? partials)
    {
        long started = Begin();
        inner.SoftSign(operands, settings, partials);
        End(Part.AdamW, started);
    }

    public void Stabilize(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory)
    {
        long started = Begin();
        inner.Stabilize(operands, settings, memory);
        End(Part.AdamW, started);
    }

    public void AdamWStabilized(in UpdateOperands operands, AdamWSettings settings, StabilizerMemory memory, DeviceBuffer<UpdateSums>? partials)
    {
        long started = Begin();
        inner.AdamWStabilized(operands, settings, memory, partials);
        End(Part.AdamW, started);
    }

    public void JudgeSpike(
        in SpikeSettings settings, DeviceBuffer<double> loss, DeviceBuffer<double> windows, DeviceBuffer<SpikeState> state, ClipOutcome clip)
    {
        long started = Begin();
        inner.JudgeSpike(settings, loss, windows, state, clip);
        End(Part.ClipNorm, started);
    }

    public void EmbeddingForward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output)
    {
        long started = Begin();
        inner.EmbeddingForward(tokens, tokenTable, positionTable, firstPosition, batch, tokenCount, channels, output);
        End(Part.Embedding, started);
    }

    public void EmbeddingBackward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable)
    {
        long started = Begin();
        inner.EmbeddingBackward(dOutput, tokens, batch, tokenCount, channels, dTokenTable, dPositionTable);
        End(Part.Embedding, started);
    }

    public void NormForward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels,
        Tensor output, Tensor mean, Tensor inverseScale)
    {
        long started = Begin();
        inner.NormForward(kind, input, weight, bias, epsilon, rows, channels, output, mean, inverseScale);
        End(Part.NormForward, started);
    }

    public void NormBackward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias)
    {
        long started = Begin();
        inner.NormBackward(kind, dOutput, input, weight, mean, inverseScale, rows, channels, dInput, dWeight, dBias);
        End(Part.NormBackward, started);
    }

    public void LinearForward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output)
    {
        long started = Begin();
        inner.LinearForward(input, weight, bias, residual, rows, inputSize, outputSize, output);
        End(Part.LinearForward, started, Product(rows, inputSize, outputSize));
    }

    public void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput)
    {
        long started = Begin();
        inner.LinearBackwardInput(dOutput, weight, rows, inputSize, outputSize, dInput);
        End(Part.LinearBackwardInput, started, Product(rows, inputSize, outputSize));
    }

    public void LinearBackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias)
    {
        long started = Begin();
        inner.LinearBackwardWeight(dOutput, input, rows, inputSize, outputSize, dWeight, dBias);
        End(Part.LinearBackwardWeight, started, Product(rows, inputSize, outputSize));
    }

    public void ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output)
    {
        long started = Begin();
        inner.ActivationForward(kind, input, length, output);
        End(Part.ActivationForward, started);
    }

    public void ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput)
    {
        long started = Begin();
        inner.ActivationBackward(kind, input, dOutput, length, dInput);
        End(Part.ActivationBackward, started);
    }

    public void LinearActivationForward(
        ActivationKind kind, Tensor input, Tensor weight, Tensor bias, int rows, int inputSize, int outputSize, Tensor hidden, Tensor activated)
    {
        long started = Begin();
        inner.LinearActivationForward(kind, input, weight, bias, rows, inputSize, outputSize, hidden, activated);
        End(Part.LinearForward, started, Product(rows, inputSize, outputSize));
    }

    public void LinearActivationBackwardInput(
        ActivationKind kind, Tensor dOutput, Tensor weight, Tensor hidden, int rows, int inputSize, int outputSize, Tensor dHidden)
    {
        long started = Begin();
        inner.LinearActivationBackwardInput(kind, dOutput, weight, hidden, rows, inputSize, outputSize, dHidden);
        End(Part.LinearBackwardInput, started, Product(rows, inputSize, outputSize));
    }

    public void AttentionForward(Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp)
    {
        long started = Begin();
        inner.AttentionForward(qkv, batch, tokenCount, heads, headSize, output, logSumExp);
        End(Part.AttentionForward, started, 2 * Scores(batch, tokenCount, heads, headSize));
    }

    public void AttentionBackward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv)
    {
        long started = Begin();
        inner.AttentionBackward(dOutput, qkv, output, logSumExp, batch, tokenCount, heads, headSize, dQkv);
        // Scores once more, and one product each for the gradients of scores, queries, keys and values.
        End(Part.AttentionBackward, started, 5 * Scores(batch, tokenCount, heads, headSize));
    }

    public void AttentionDecode(Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output)
    {
        long started = Begin();
        inner.AttentionDecode(qkv, position, heads, headSize, keyCache, valueCache, output);
        End(Part.AttentionForward, started);
    }

    public void CrossEntropyForward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses)
    {
        long started = Begin();
        inner.CrossEntropyForward(logits, targets, rows, vocabulary, losses);
        End(Part.CrossEntropy, started);
    }

    public void CrossEntropyForwardBackward(
        DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses, bool zeroSum = false)
    {
        long started = Begin();
        inner.CrossEntropyForwardBackward(targets, gradientScale, rows, vocabulary, logits, losses, zeroSum);
        End(Part.CrossEntropy, started);
    }

    public void LogitMargins(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, DeviceBuffer<float> margins)
    {
        long started = Begin();
        inner.LogitMargins(logits, targets, rows, vocabulary, margins);
        End(Part.CrossEntropy, started);
    }

    public void RowSums(Tensor values, int rows, int columns, DeviceBuffer<double> sums)
    {
        long started = Begin();
        inner.RowSums(values, rows, columns, sums);
        End(Part.CrossEntropy, started);
    }

    public void AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum)
    {
        long started = Begin();
        inner.AddSum(values, length, scale, sum);
        End(Part.CrossEntropy, started);
    }

    private static double Product(double rows, double inputSize, double outputSize) => 2 * rows * inputSize * outputSize;

    /// <summary>Operations of one product over the causal half of all T x T pairs.</summary>
    private static double Scores(double batch, double tokenCount, double heads, double headSize) =>
        2 * batch * heads * headSize * tokenCount * (tokenCount + 1) / 2;

    private long Begin() =>
        !Enabled || inner.IsRecording ? NotTimed
        : timeline is null ? Stopwatch.GetTimestamp()
        : timeline.Mark();

    private void End(Part part, long started, double operations = 0)
    {
        if (started == NotTimed)
            return;
        if (timeline is null)
        {
            inner.Synchronize();
            _ticks[(int)part] += Stopwatch.GetTimestamp() - started;
        }
        else
            _spans.Add((part, (int)started, timeline.Mark()));
        _operations[(int)part] += operations;
    }

    /// <summary>A recording is one operation to the device; while time is taken, its parts are done one by one instead.</summary>
    private sealed class TimedRecording(TimingBackend timing, IRecording recorded, Action work) : IRecording
    {
        public void Launch()
        {
            if (timing.Enabled)
                work();
            else
                recorded.Launch();
        }

        public void Dispose() => recorded.Dispose();
    }
}
