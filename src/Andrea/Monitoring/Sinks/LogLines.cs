using System.Globalization;

namespace Andrea.Monitoring.Sinks;

/// <summary>Appends lines as llm.c writes them to its <c>main.log</c>, so that its plotting notebook and tools like it read them.</summary>
/// <remarks>
/// A step: <c>s:11 trl:3.4012 lr:0.000300 norm:1.05</c>; a measurement: <c>s:12 tel:3.5120</c>. <c>s</c> counts the updates made before, as there:
/// the line of step 12 has 11, and the validation loss after it 12. NaN and Inf are <c>nan, inf, -inf</c>, as C writes them and Python reads them.
/// The norm is that before clipping. Nothing but these lines is written, since readers count their parts. The file is created with the first record;
/// lines are flushed every 50 records. Format after karpathy/llm.c, llmc/logger.h.
/// </remarks>
public sealed class LogLines : IStepObserver, IDisposable
{
    private const int RecordsPerFlush = 50;

    private readonly Utf8Line _line = new();
    private readonly AppendedFile _file;

    /// <summary>Appends to a file; creates it and its folder with the first record if need be.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="ArgumentException">The path is empty, or cannot be one.</exception>
    public LogLines(string path) => _file = new AppendedFile(this, path, RecordsPerFlush);

    /// <summary>Drops the lines of later steps, which a resumed run is about to make again, and a line cut off by a crash.</summary>
    /// <param name="step">The last step to keep.</param>
    /// <exception cref="IOException">The file cannot be read or replaced.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be replaced.</exception>
    public void DropAfter(long step) => _file.KeepLines(line => DoneAfter(line) is { } done && done <= step);

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        _line.Clear().Add("s:"u8).Add(record.Step - 1);
        Number(" trl:"u8, record.Loss, "F4");
        Number(" lr:"u8, record.LearningRate, "F6");
        Number(" norm:"u8, record.Clip.NormBefore, "F2");
        _file.Write(_line.Add("\n"u8).Written);
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record)
    {
        _line.Clear().Add("s:"u8).Add(record.Step);
        Number(" tel:"u8, record.Loss, "F4");
        _file.Write(_line.Add("\n"u8).Written, flush: true);
    }

    /// <inheritdoc/>
    public void Flush() => _file.Flush();

    /// <summary>Flushes and closes the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>The file's path.</summary>
    public override string ToString() => _file.Path;

    /// <summary>How many steps were done when a line was written, or null for what is no such line.</summary>
    private static long? DoneAfter(string line)
    {
        int end = line.IndexOf(' ', StringComparison.Ordinal);
        if (end < 0 || !line.StartsWith("s:", StringComparison.Ordinal)
            || !long.TryParse(line.AsSpan(2, end - 2), NumberStyles.None, CultureInfo.InvariantCulture, out long before))
            return null;
        return line.AsSpan(end).StartsWith(" trl:") ? before + 1 : before;
    }

    private void Number(ReadOnlySpan<byte> name, double value, ReadOnlySpan<char> format)
    {
        _line.Add(name);
        if (double.IsFinite(value))
            _line.Add(value, format);
        else
            _line.Add(double.IsNaN(value) ? "nan"u8 : value > 0 ? "inf"u8 : "-inf"u8);
    }
}
