using System.Globalization;

namespace Andrea.Monitoring.Sinks;

/// <summary>Appends steps to a CSV file, and the norms of every tensor to a second, wide one; for spreadsheets and data frames.</summary>
/// <remarks>
/// As RFC 4180, with a header, commas, points in numbers whatever the machine's language, and line feeds. Columns of steps: <c>step, loss,
/// norm, normAfter, coefficient, clipRate, skipped, lr, tokens, ms, validationLoss</c>. A measurement stands in a row of its own, in which only
/// <c>step</c> and <c>validationLoss</c> are filled. The second file has <c>step</c> and a column for each tensor; where it
/// holds other tensors already, as after a resume with another monitor, a file beside it is used instead: <c>gradients-2.csv</c> for
/// <c>gradients.csv</c>, and so on. NaN and Inf are <c>NaN, Infinity, -Infinity</c>. Each file is created with its first record; rows are flushed every 50 records. Spikes, verdicts, samples and
/// checkpoints are in metrics.jsonl only.
/// </remarks>
public sealed class CsvFile : IStepObserver, IDisposable
{
    private const int RecordsPerFlush = 50;

    private static readonly string StepHeader = "step,loss,norm,normAfter,coefficient,clipRate,skipped,lr,tokens,ms,validationLoss";

    private readonly Utf8Line _line = new();
    private readonly AppendedFile _steps;
    private readonly string? _gradientsPath;
    private AppendedFile? _gradients;
    private bool _stepsBegun;
    private IReadOnlyList<MonitoredTensor>? _described;

    /// <summary>Appends to files; creates them and their folders with the first record if need be.</summary>
    /// <param name="path">The file for steps.</param>
    /// <param name="gradientsPath">The file for the norms of tensors; null writes none.</param>
    /// <exception cref="ArgumentException">A path is empty, or cannot be one.</exception>
    public CsvFile(string path, string? gradientsPath = null)
    {
        _steps = new AppendedFile(this, path, RecordsPerFlush);
        if (gradientsPath is not null)
            _gradientsPath = Path.GetFullPath(gradientsPath);
    }

    /// <summary>Drops the rows of later steps, which a resumed run is about to make again, and a row cut off by a crash.</summary>
    /// <param name="step">The last step to keep; -1 empties the files.</param>
    /// <exception cref="IOException">A file cannot be read or replaced.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be replaced.</exception>
    public void DropAfter(long step)
    {
        DropAfter(_steps, step);
        _stepsBegun = false;
        CloseGradients();
        for (int number = 1; _gradientsPath is not null && File.Exists(GradientsPath(number)); number++)
            using (var file = new AppendedFile(this, GradientsPath(number), RecordsPerFlush))
                DropAfter(file, step);
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        BeginSteps();
        _line.Clear().Add(record.Step).Add(","u8).Add(record.Loss).Add(","u8).Add(record.Clip.NormBefore).Add(","u8).Add(record.Clip.NormAfter)
            .Add(","u8).Add(record.Clip.Coefficient).Add(","u8).Add(record.ClipRate)
            .Add(!record.Clip.Skipped ? ",false,"u8 : ",true,"u8).Add(record.LearningRate).Add(","u8).Add(record.Tokens)
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
        if (_gradientsPath is null)
            return;
        if (_gradients is null || !ReferenceEquals(_described, record.Tensors))
            _gradients = BeginGradients(record.Tensors);
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
        CloseGradients();
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

    /// <summary>Opens the first file that is empty or has just these tensors as its header: a table has only one.</summary>
    private AppendedFile BeginGradients(IReadOnlyList<MonitoredTensor> tensors)
    {
        CloseGradients();
        _line.Clear().Add("step"u8);
        foreach (MonitoredTensor tensor in tensors)
            _line.Add(","u8).Add(Quoted(tensor.Name));
        _line.Add("\n"u8);
        for (int number = 1; ; number++)
        {
            var file = new AppendedFile(this, GradientsPath(number), RecordsPerFlush);
            bool isNew = file.NeedsHeader;
            if (!isNew && !file.BeginsWith(_line.Written))
            {
                file.Dispose();
                continue;
            }
            // Known from here on, so that it is closed even if the disk refuses the header.
            _gradients = file;
            if (isNew)
                file.Write(_line.Written);
            _described = tensors;
            return file;
        }
    }

    private void CloseGradients()
    {
        _gradients?.Dispose();
        _gradients = null;
        _described = null;
    }

    /// <summary>gradients.csv, gradients-2.csv, gradients-3.csv and so on.</summary>
    private string GradientsPath(int number) => number == 1
        ? _gradientsPath!
        : Path.Combine(
            Path.GetDirectoryName(_gradientsPath)!,
            string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(_gradientsPath)}-{number}{Path.GetExtension(_gradientsPath)}"));

    private static void DropAfter(AppendedFile file, long step)
    {
        bool isHeader = true;
        file.KeepLines(line =>
        {
            if (!isHeader)
                return StepOf(line) is { } rowStep && rowStep <= step;
            isHeader = false;
            return step >= 0;
        });
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
