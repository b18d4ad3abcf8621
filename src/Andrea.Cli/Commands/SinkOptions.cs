using System.CommandLine;
using Andrea.Cli.Telemetry;
using Andrea.Monitoring.Sinks;
using Andrea.Training;

namespace Andrea.Cli.Commands;

/// <summary>The options that say where else a run is written to, besides metrics.jsonl and gradients.jsonl.</summary>
internal sealed class SinkOptions
{
    private readonly Option<bool> _csv = new("--csv")
    {
        Description = "Also writes metrics.csv and gradients.csv into the run's folder (default: no).",
    };

    private readonly Option<bool> _tensorBoard = new("--tensorboard")
    {
        Description = "Also writes an event file into the run's folder, for tensorboard --logdir runs (default: no).",
    };

    private readonly Option<bool> _logLines = new("--log-lines")
    {
        Description = "Also writes main.log into the run's folder, with lines as llm.c's (default: no).",
    };

    private readonly Option<string?> _otlp = CliOption.Word(
        "--otlp", "URL", "Also sends metrics and traces to an OpenTelemetry receiver, such as http://localhost:4318 (default: no).");

    public SinkOptions() => _otlp.Validators.Add(result =>
    {
        foreach (var token in result.Tokens)
            if (!OtlpExport.IsUrl(token.Value))
                result.AddError($"'{token.Value}' is not a value of --otlp; expected a URL such as http://localhost:4318");
    });

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_csv, _tensorBoard, _logLines, _otlp])
            command.Add(option);
    }

    /// <summary>Begins to send to the receiver that was asked for. Before <see cref="Attach"/>, and disposed of after the trainer, which ends the trace.</summary>
    /// <returns>Null if none was.</returns>
    public OtlpExport? OpenExport(ParseResult parsed, Action<string> note) =>
        parsed.GetValue(_otlp) is { } url ? new OtlpExport(new Uri(url), note) : null;

    /// <summary>Attaches what was asked for; the trainer owns it.</summary>
    public void Attach(ParseResult parsed, Trainer trainer, bool resumes)
    {
        string folder = trainer.Options.RunFolder!;
        long lastKept = resumes ? trainer.Step : -1;
        if (parsed.GetValue(_csv))
        {
            var csv = new CsvFile(Path.Combine(folder, "metrics.csv"), Path.Combine(folder, "gradients.csv"));
            csv.DropAfter(lastKept);
            trainer.ObserveInBackground(csv, owned: true);
        }
        if (parsed.GetValue(_tensorBoard))
        {
            var events = new TensorBoardFile(folder);
            events.DropAfter(lastKept);
            trainer.ObserveInBackground(events, owned: true);
        }
        if (parsed.GetValue(_logLines))
        {
            var log = new LogLines(Path.Combine(folder, "main.log"));
            log.DropAfter(lastKept);
            trainer.ObserveInBackground(log, owned: true);
        }
        if (parsed.GetValue(_otlp) is null)
            return;
        trainer.ObserveInBackground(new MeterObserver(), owned: true);
        trainer.ObserveInBackground(new TraceObserver(), owned: true);
    }
}
