using System.Globalization;
using Andrea.Clipping;

namespace Andrea.Monitoring.Sinks;

/// <summary>Appends steps to a CSV file, and the norms of every tensor to a second, wide one; for spreadsheets and data frames.</summary>
/// <remarks>
/// As RFC 4180, with a header, commas, points in numbers whatever the machine's language, and line feeds. Columns of steps: <c>step, loss,
/// norm, normAfter, coefficient, clipRate, skipped, lr, tokens, ms, validationLoss</c>. A measurement stands in a row of its own, in which only
/// <c>step</c> and <c>validationLoss</c> are filled. The second file has <c>step</c> and a column for each tensor. NaN and Inf are
/// <c>NaN, Infinity, -Infinity</c>. Each file is created with its first record; rows are flushed every 50 records. Spikes, verdicts, samples and
/// checkpoints are in metrics.jsonl only.
/// </remarks>
public sealed class CsvFile : IStepObserver, IDisposable
{
    private const int RecordsPerFlush = 50;

    private static readonly string StepHeader = "step,loss,norm,normAfter,coefficient,clipRate,skipped,lr,tokens,ms,validationLoss";

    private readonly Utf8Line _line = new();
    private readonly AppendedFile _steps;
    private readonly AppendedFile? _gradients;
    private bool _stepsBegun;
    private IReadOnlyList<MonitoredTensor>? _described;

    /// <summary>Appends to files; creates them and their folders with the first record if need be.</summary>
    /// <param name="path">The file for steps.</param>
    /// <param name="gradientsPath">The file for the norms of tensors; null writes none.</param>
    public CsvFile(string path, string? gradientsPath = null)
    {
        _steps = new AppendedFile(path, RecordsPerFlush);
        if (gradientsPath is not null)
            _gradients = new AppendedFile(gradientsPath, RecordsPerFlush);
    }

    /// <summary>Drops the rows of later steps, which a resumed run is about to make again, and a row cut off by a crash.</summary>
    /// <param name="step">The last step to keep; -1 empties the files.</param>
    public void DropAfter(long step)
    {
        foreach (AppendedFile? file in (AppendedFile?[])[_steps, _gradients])
        {
            bool isHeader = true;
            file?.KeepLines(line =>
            {
                if (!isHeader)
                    return StepOf(line) is { } rowStep && rowStep <= step;
                isHeader = false;
                return step >= 0;
            });
        }
        _stepsBegun = false;
        _described = null;
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        BeginSteps();
        _line.Clear().Add(record.Step).Add(","u8).Add(record.Loss).Add(","u8).Add(record.Clip.NormBefore).Add(","u8).Add(record.Clip.NormAfter)
            .Add(","u8).Add(record.Clip.Coefficient).Add(","u8).Add(record.ClipRate)
            .Add(record.Clip.Skipped == SkipReason.None ? ",false,"u8 : ",true,"u8).Add(record.LearningRate).Add(","u8).Add(record.Tokens)
            .Add(","u8).Add(record.Duration.TotalMilliseconds).Add(",\n"u8);
        _steps.Write(_line.Written);
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record)
    {
        BeginSteps();
        _line.Clear().Add(record.Step).Add(",,,,,,,,,,"u8).Add(record.Loss).Add("\n"u8);
        _steps.Write(_line.Written, flush: true);
    }

    /// <inheritdoc/>
    public void OnGradients(GradientRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (_gradients is null)
            return;
        if (!ReferenceEquals(_described, record.Tensors))
            BeginGradients(_gradients, record.Tensors);
        _line.Clear().Add(record.Step);
        foreach (ref readonly TensorReading reading in record.Readings)
            _line.Add(","u8).Add(reading.Norm, "G9");
        _gradients.Write(_line.Add("\n"u8).Written);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        _steps.Flush();
        _gradients?.Flush();
    }

    /// <summary>Flushes and closes the files.</summary>
    public void Dispose()
    {
        _steps.Dispose();
        _gradients?.Dispose();
    }

    /// <summary>The path of the file for steps.</summary>
    public override string ToString() => _steps.Path;

    private void BeginSteps()
    {
        if (_stepsBegun)
            return;
        if (_steps.NeedsHeader)
            _steps.Write(_line.Clear().Add(StepHeader).Add("\n"u8).Written);
        _stepsBegun = true;
    }

    private void BeginGradients(AppendedFile file, IReadOnlyList<MonitoredTensor> tensors)
    {
        // A table has one header: a resumed run monitors the same tensors.
        if (file.NeedsHeader)
        {
            _line.Clear().Add("step"u8);
            foreach (MonitoredTensor tensor in tensors)
                _line.Add(","u8).Add(Quoted(tensor.Name));
            file.Write(_line.Add("\n"u8).Written);
        }
        _described = tensors;
    }

    /// <summary>A text as a field: in quotes where it holds a comma, quote or line break, with quotes doubled.</summary>
    private static string Quoted(string text) =>
        text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    private static long? StepOf(string line)
    {
        ReadOnlySpan<char> field = line.AsSpan(0, Math.Max(0, line.IndexOf(',', StringComparison.Ordinal)));
        return long.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : null;
    }
}
