using System.Globalization;
using System.Text;

namespace Andrea.Monitoring.Sinks;

/// <summary>Writes a run as a TensorBoard event file, <c>events.out.tfevents.TIME.HOST.PID.N</c>; look at it with <c>tensorboard --logdir runs</c>.</summary>
/// <remarks>
/// Scalars: <c>train/loss, val/loss, grad/norm, grad/norm_after, grad/coefficient, lr, tokens_per_second</c>; for each tensor <c>grad_norm/NAME</c> and,
/// in steps whose update was measured, <c>update_ratio/NAME</c>. Texts: <c>sample</c> and <c>verdict</c>. TensorBoard holds scalars as float32. A run that is resumed
/// writes another file into the same folder, which takes the place of the later steps in earlier ones. The file is created with the first record and
/// flushed every 50 records; a record cut off by a crash is ignored by TensorBoard. Format: TFRecord with masked CRC-32C around the messages of
/// tensorboard/compat/proto/event.proto and summary.proto.
/// </remarks>
public sealed class TensorBoardFile : IStepObserver, IDisposable
{
    private const int RecordsPerFlush = 50;

    private static int _files;

    private readonly TimeProvider _clock;
    private readonly AppendedFile _file;
    private readonly TfRecord _record = new();
    private readonly ProtoMessage _event = new(), _summary = new(), _value = new(), _part = new(), _innerPart = new();
    private IReadOnlyList<MonitoredTensor>? _described;
    private byte[][] _normTags = [], _ratioTags = [];
    private long? _resumesAfter;
    private bool _begun;

    /// <summary>Chooses the file's name; the file is made with the first record.</summary>
    /// <param name="folder">Where it goes, such as a run's folder; created if need be.</param>
    /// <param name="clock">Gives the time of each event; null for the system's.</param>
    /// <exception cref="ArgumentException">The folder is empty, or cannot be one.</exception>
    public TensorBoardFile(string folder, TimeProvider? clock = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _clock = clock ?? TimeProvider.System;
        string name = string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{_clock.GetUtcNow().ToUnixTimeSeconds():D10}.{Environment.MachineName}.{Environment.ProcessId}.{Interlocked.Increment(ref _files)}");
        _file = new AppendedFile(this, Path.Combine(folder, name), RecordsPerFlush, hasLines: false);
    }

    /// <summary>Has TensorBoard forget the later steps of earlier files in the folder, which a resumed run is about to make again.</summary>
    /// <param name="step">The last step to keep; -1 keeps none.</param>
    public void DropAfter(long step) => _resumesAfter = step;

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        _summary.Clear();
        Scalar("train/loss"u8, record.Loss);
        Scalar("grad/norm"u8, record.Clip.NormBefore);
        Scalar("grad/norm_after"u8, record.Clip.NormAfter);
        Scalar("grad/coefficient"u8, record.Clip.Coefficient);
        Scalar("lr"u8, record.LearningRate);
        Scalar("tokens_per_second"u8, record.TokensPerSecond);
        WriteSummary(record.Step);
    }

    /// <inheritdoc/>
    public void OnGradients(GradientRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        Describe(record.Tensors);
        ReadOnlySpan<TensorReading> readings = record.Readings;
        _summary.Clear();
        for (int i = 0; i < readings.Length; i++)
            Scalar(_normTags[i], readings[i].Norm);
        if (record.HasUpdates)
            for (int i = 0; i < readings.Length; i++)
                Scalar(_ratioTags[i], readings[i].UpdateRatio);
        WriteSummary(record.Step);
    }

    /// <inheritdoc/>
    public void OnVerdict(Verdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        Text("verdict"u8, verdict.Step, $"{verdict.Kind}: {verdict.Summary} {verdict.Remedy}");
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record)
    {
        _summary.Clear();
        Scalar("val/loss"u8, record.Loss);
        WriteSummary(record.Step, flush: true);
    }

    /// <inheritdoc/>
    public void OnSample(SampleRecord record) => Text("sample"u8, record.Step, record.Text);

    /// <inheritdoc/>
    public void Flush() => _file.Flush();

    /// <summary>Flushes and closes the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>The file's path.</summary>
    public override string ToString() => _file.Path;

    private void Scalar(ReadOnlySpan<byte> tag, double value)
    {
        // Summary.Value { tag = 1; simple_value = 2 }
        _value.Clear().Bytes(1, tag).Float(2, (float)value);
        _summary.Bytes(1, _value.Written);
    }

    private void Text(ReadOnlySpan<byte> tag, long step, string text)
    {
        // TensorProto { dtype = 1 (DT_STRING = 7); tensor_shape = 2 { dim = 2 { size = 1 } }; string_val = 8 }
        _innerPart.Clear().Integer(1, 1);
        _part.Clear().Bytes(2, _innerPart.Written);
        _innerPart.Clear().Integer(1, 7).Bytes(2, _part.Written).Text(8, text);
        _value.Clear().Bytes(1, tag).Bytes(8, _innerPart.Written);
        // SummaryMetadata { plugin_data = 1 { plugin_name = 1 }; data_class = 4 (DATA_CLASS_TENSOR = 2) }
        _innerPart.Clear().Text(1, "text");
        _part.Clear().Bytes(1, _innerPart.Written).Integer(4, 2);
        _value.Bytes(9, _part.Written);
        _summary.Clear().Bytes(1, _value.Written);
        WriteSummary(step, flush: true);
    }

    private void WriteSummary(long step, bool flush = false)
    {
        if (!_begun)
            Begin();
        // Event { wall_time = 1; step = 2; summary = 5 }
        _event.Clear().Double(1, Now()).Integer(2, step).Bytes(5, _summary.Written);
        _file.Write(_record.Frame(_event.Written), flush);
    }

    private void Begin()
    {
        // Event { file_version = 3; source_metadata = 10 { writer = 1 } }
        _part.Clear().Text(1, "Andrea");
        _event.Clear().Double(1, Now()).Text(3, "brain.Event:2").Bytes(10, _part.Written);
        _file.Write(_record.Frame(_event.Written));
        if (_resumesAfter is { } step)
        {
            // Event { session_log = 7 { status = 1 (START = 1) } }: what other files hold from this step on is void.
            _part.Clear().Integer(1, 1);
            _event.Clear().Double(1, Now()).Integer(2, step + 1).Bytes(7, _part.Written);
            _file.Write(_record.Frame(_event.Written));
        }
        _begun = true;
    }

    private void Describe(IReadOnlyList<MonitoredTensor> tensors)
    {
        if (ReferenceEquals(_described, tensors))
            return;
        _normTags = [.. tensors.Select(tensor => Encoding.UTF8.GetBytes("grad_norm/" + tensor.Name))];
        _ratioTags = [.. tensors.Select(tensor => Encoding.UTF8.GetBytes("update_ratio/" + tensor.Name))];
        _described = tensors;
    }

    private double Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
}
