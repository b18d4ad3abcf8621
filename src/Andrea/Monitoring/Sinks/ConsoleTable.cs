using System.Globalization;

namespace Andrea.Monitoring.Sinks;

/// <summary>Writes a plain table of steps, with a line for whatever else happens; for programs with a loop of their own.</summary>
/// <remarks>
/// <code>
///     step      loss       norm      clip        lr     tok/s
///      100    2.4471      1.832     0.546  3.00e-04     48210
///     step 100: validation loss 2.5013, the best so far
/// </code>
/// Norm is that before clipping, clip the coefficient. The heading comes again every 40 rows. Text without colour; points in numbers whatever the
/// machine's language.
/// </remarks>
public sealed class ConsoleTable : IStepObserver
{
    private const int RowsPerHeading = 40;

    private readonly TextWriter _output;
    private readonly long _every;
    private long _rows;

    /// <summary>Makes a table.</summary>
    /// <param name="output">Where it goes, such as <see cref="Console.Out"/>; not owned.</param>
    /// <param name="every">Steps between rows; the first step, the last one and skipped ones are always written.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="every"/> is below 1.</exception>
    public ConsoleTable(TextWriter output, long every = 1)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (every < 1)
            throw new ArgumentOutOfRangeException(nameof(every), every, $"every is {every}; expected 1 or more steps between rows.");
        _output = output;
        _every = every;
    }

    /// <inheritdoc/>
    public void OnStep(in StepRecord record)
    {
        bool isSkipped = record.Clip.Skipped;
        if (!isSkipped && _rows > 0 && record.Step % _every != 0 && record.Step != record.TotalSteps)
            return;
        if (_rows++ % RowsPerHeading == 0)
            _output.WriteLine("    step      loss       norm      clip        lr     tok/s");
        _output.WriteLine(
            $"{Number(record.Step, "D"),8}{Number(record.Loss, "F4"),10}{Number(record.Clip.NormBefore, "G4"),11}{Number(record.Clip.Coefficient, "F3"),10}"
            + $"{Number(record.LearningRate, "0.00e+00"),10}{Number(record.TokensPerSecond, "F0"),10}{(isSkipped ? "  skipped" : "")}");
    }

    /// <inheritdoc/>
    public void OnSpike(in SpikeRecord record) => Note(
        record.Step,
        $"{(record.Quantity == SpikeQuantity.Loss ? "loss" : "norm")} {Number(record.Value, "G4")} stands "
        + $"{Number(record.ZScore, "F1")} deviations above its median {Number(record.Median, "G4")}");

    /// <inheritdoc/>
    public void OnGuard(in GuardRecord record) => Note(record.Step, record.Sentence);

    /// <inheritdoc/>
    public void OnVerdict(Verdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        Note(verdict.Step, $"{verdict.Summary} {verdict.Remedy}");
    }

    /// <inheritdoc/>
    public void OnEvaluation(EvaluationRecord record) =>
        Note(record.Step, $"validation loss {Number(record.Loss, "F4")}{(record.Best ? ", the best so far" : "")}");

    /// <inheritdoc/>
    public void OnSample(SampleRecord record) => Note(record.Step, "sample: " + record.Text);

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointRecord record) => Note(record.Step, "checkpoint " + record.Path);

    /// <inheritdoc/>
    public void Flush() => _output.Flush();

    private void Note(long step, string text) => _output.WriteLine($"    step {Number(step, "D")}: {text}");

    private static string Number<T>(T value, string format)
        where T : IFormattable => value.ToString(format, CultureInfo.InvariantCulture);
}
