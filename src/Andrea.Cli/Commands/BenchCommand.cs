using System.CommandLine;
using System.Text.Json;
using Andrea.Cli.Bench;
using Andrea.Cli.Doctor;
using Andrea.Cli.Rendering;
using Andrea.Gpt;
using Andrea.Training;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea bench optimizer|step</c>: times the optimizer, or whole training steps with their parts.</summary>
/// <remarks>On random data; nothing is written.</remarks>
internal sealed class BenchCommand
{
    private const int DefaultRepetitions = 10;

    private const string OnGpus =
        "On a GPU one measurement is the mean of many steps in a row, without waits between them, and parts are timed by the GPU itself.";

    private readonly Option<Preset?> _preset = PresetOption.Create("Which model to time.", Preset.Chars);
    private readonly Option<int?> _batch = CliOption.Count("--batch", "Sequences in a batch (default: the preset's).", 1, 1 << 20);
    private readonly Option<int?> _context = CliOption.Count("--context", "Tokens in a sequence (default: the preset's).", 1, 1 << 20);
    private readonly Option<int?> _repetitions = CliOption.Count("--reps", $"How often to measure (default: {DefaultRepetitions}).", 1, 1_000_000);
    private readonly Option<bool> _json = new("--json") { Description = "Writes JSON instead of a table." };
    private readonly DeviceOptions _device = new();
    private readonly Terminal _terminal;

    private BenchCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var command = new Command("bench", "Times the optimizer, or a whole training step and its parts, on random data. " + OnGpus)
        {
            new BenchCommand(terminal).CreateOptimizer(),
            new BenchCommand(terminal).CreateStep(),
        };
        Forbidden.Alone(command);
        return command;
    }

    private Command CreateOptimizer()
    {
        var command = new Command("optimizer", "Times clipping, AdamW, and both. " + OnGpus) { _preset, _repetitions, _json };
        _device.AddTo(command);
        command.SetAction(parsed => RunOptimizer(parsed));
        return command;
    }

    private Command CreateStep()
    {
        var command = new Command("step", "Times a whole training step and its parts. " + OnGpus) { _preset, _batch, _context, _repetitions, _json };
        _device.AddTo(command);
        command.SetAction(parsed => RunStep(parsed));
        return command;
    }

    private int RunOptimizer(ParseResult parsed)
    {
        Preset preset = parsed.GetValue(_preset) ?? Preset.Chars;
        using Device device = _device.Open(parsed, _terminal);
        MemoryCheck.Require(device, OptimizerBench.BytesFor(preset.Config), $"the optimizer of {preset.Name}");
        using var bench = new OptimizerBench(device, preset.Config);
        return Report(parsed, "optimizer", preset, preset.Config, device, null, null, bench.Run);
    }

    private int RunStep(ParseResult parsed)
    {
        Preset preset = parsed.GetValue(_preset) ?? Preset.Chars;
        int batch = parsed.GetValue(_batch) ?? preset.Options.BatchSize;
        int context = parsed.GetValue(_context) ?? preset.Config.ContextLength;
        // The position table is the only thing that a longer context adds to the model.
        GptConfig config = preset.Config with { ContextLength = Math.Max(context, preset.Config.ContextLength) };
        using Device device = _device.Open(parsed, _terminal);
        MemoryCheck.Require(device, MemoryCheck.TrainingBytes(config, batch, context), $"training {preset.Name} on {batch} x {context} tokens");
        using var bench = new StepBench(device.Backend, config, batch, context);
        return Report(parsed, "step", preset, config, device, batch, context, bench.Run);
    }

    private int Report(
        ParseResult parsed,
        string benchmark,
        Preset preset,
        GptConfig config,
        Device device,
        int? batch,
        int? context,
        Func<int, IReadOnlyList<BenchResult>> run)
    {
        int repetitions = parsed.GetValue(_repetitions) ?? DefaultRepetitions;
        var report = new BenchReport
        {
            Benchmark = benchmark,
            Preset = preset.Name,
            Parameters = GptParameters.CreateLayout(config).ElementCount,
            Batch = batch,
            Context = context,
            Repetitions = repetitions,
            Device = device.Description,
            Processor = Machine.Processor,
            AndreaVersion = Versions.Andrea,
            Results = run(repetitions),
        };
        if (parsed.GetValue(_json))
            _terminal.Output.WriteLine(JsonSerializer.Serialize(report, BenchJson.Default.BenchReport));
        else
            BenchTable.Write(report, _terminal.Output);
        return ExitCode.Done;
    }
}
