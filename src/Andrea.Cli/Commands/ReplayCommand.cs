using System.CommandLine;
using Andrea.Cli.Rendering;
using Andrea.Cli.Training;
using Andrea.Data;
using Andrea.Training.Replay;
using static System.FormattableString;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea replay RUN --step N</c>: makes a recorded step again, bit for bit, and says where a spike comes from.</summary>
internal sealed class ReplayCommand
{
    private const int TextLength = 160;

    // Between lines of progress, as in training.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    private readonly Argument<string> _run = new("RUN") { Description = "Folder of the run." };
    private readonly Option<long?> _step = CliOption.Whole("--step", "The step to make again, from 1.", 1);
    private readonly DataOptions _data = new();
    private readonly DeviceOptions _device = new(withReference: true);
    private readonly Terminal _terminal;

    private ReplayCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var replay = new ReplayCommand(terminal);
        var command = new Command("replay", "Makes a recorded step again, bit for bit, and says whether a spike is in the data, the numerics or the hardware. "
            + "Exit code: 0 for a step as recorded and as usual, 10 for the data, 11 for the parameters before it, 12 for float32, 13 for other bits than were recorded, "
            + "14 for those where it is not known any more what options the step was made with.")
        {
            replay._run, replay._step,
        };
        replay._step.Required = true;
        replay._run.Validators.Add(result => CliOption.RefuseEmpty(result, "replay"));
        replay._data.AddPathsTo(command);
        replay._device.AddTo(command);
        command.SetAction(replay.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string run = parsed.GetValue(_run)!;
        if (!Directory.Exists(run))
            throw new CommandException($"There is no folder '{run}'; expected the folder of a run, such as runs/NAME.");
        long step = parsed.GetValue(_step)!.Value;
        bool onReference = _device.IsReference(parsed);
        using Device device = _device.Open(parsed, _terminal);
        Line($"Making step {step} of {run} again on {device.Description}.");
        ReplayResult result = ErrorReport.AsUsage(() => StepReplay.Run(device, run, step, OpenData, onReference, ProgressTo(step)));
        Show(result, onReference);
        return CodeOf(result.Verdict);

        TokenDataset OpenData(Tokenizer tokenizer) => _data.ChooseAgain(parsed, DataChoice.ReadFrom(run)).Open(tokenizer);
    }

    private Action<long> ProgressTo(long step)
    {
        long shown = _terminal.Clock.GetTimestamp();
        return made =>
        {
            if (made == step || _terminal.Clock.GetElapsedTime(shown) < Quiet)
                return;
            shown = _terminal.Clock.GetTimestamp();
            Line(Invariant($"Step {made} of {step} is made."));
        };
    }

    private static int CodeOf(ReplayVerdict verdict) => verdict switch
    {
        ReplayVerdict.Data => ExitCode.ReplayData,
        ReplayVerdict.Parameters => ExitCode.ReplayParameters,
        ReplayVerdict.Numerics => ExitCode.ReplayNumerics,
        ReplayVerdict.Hardware => ExitCode.ReplayHardware,
        ReplayVerdict.Unknown => ExitCode.ReplayUnknown,
        _ => ExitCode.Done,
    };

    private void Show(ReplayResult result, bool onReference)
    {
        Line(result.From == 0 ? "It was made from the beginning of the run." : Invariant($"It was made from the checkpoint of step {result.From}."));
        if (result.DifferentStep is { } different)
        {
            Compare(different, result);
            Line(result.Sentence);
            return;
        }
        Compare(result.Step, result);
        if (result.FirstNonFinite is { } bad)
            Line($"The first gradient that is not finite: {bad}.");
        foreach (ReplayTensor tensor in result.Tensors)
            if (tensor.ZScore > 3)
                Line(Invariant($"{tensor.Name}: norm {Units.Value(tensor.Norm)}, {tensor.ZScore:0.0} deviations above its median {Units.Value(tensor.Median)}."));
        Line($"The sequences of its batch have a median loss of {Units.Value(result.RowMedian)}, the batches that follow{(result.Source is { } source ? $" in {source}" : "")} a mean of {Units.Value(result.OtherLoss)}. The worst:");
        foreach (ReplayRow row in result.WorstRows)
            Line(Invariant($"  sequence {row.Number}: loss {Units.Value(row.Loss)}, {row.ZScore:0.0} deviations above: {Short(row.Text)}"));
        if (result.Reference is { } reference)
            Line($"With sums in double: loss {Units.Value(reference.Loss)}, norm {Units.Value(reference.Norm)}.");
        Line(result.Sentence);
        if (!onReference && result.Verdict is ReplayVerdict.Data or ReplayVerdict.Parameters)
            Line("Whether float32 has a part in it, --device reference tells.");
    }

    private void Compare(long step, ReplayResult result)
    {
        Line(Invariant($"Step {step}: loss {result.Recomputed.Loss:R}, recorded {result.Recorded.Loss:R}; norm {result.Recomputed.Norm:R}, recorded {result.Recorded.Norm:R}."));
    }

    private static string Short(string text)
    {
        string line = string.Join(' ', text.Split((char[])['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries));
        return SafeText.ForTerminal(line.Length > TextLength ? line[..TextLength] + "..." : line);
    }

    private void Line(string text) => _terminal.Output.WriteLine(text);
}
