using System.CommandLine;
using Andrea.Cli.Commands;
using Andrea.Cli.Lab.Runs;
using static System.FormattableString;

namespace Andrea.Cli.Lab;

/// <summary><c>andrea lab curriculum</c>: what the bandit's two rewards do with a source that is only noisy and one that only repeats itself,
/// beside one that teaches.</summary>
internal sealed class CurriculumLabCommand
{
    private readonly Option<bool> _quick = LabOptions.CreateQuick();
    private readonly Option<int?> _steps = CliOption.Count("--steps", $"Steps of each run (default: {new CurriculumLab().Steps}, with --quick {CurriculumLab.Quick.Steps}).", 10, 1_000_000);
    private readonly Option<int?> _seeds = CliOption.Count("--seeds", $"Runs of each kind (default: {new CurriculumLab().Seeds}, with --quick {CurriculumLab.Quick.Seeds}).", 1, 100);
    private readonly DeviceOptions _device = new();
    private readonly Terminal _terminal;

    private CurriculumLabCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var lab = new CurriculumLabCommand(terminal);
        var command = new Command("curriculum", "Trains on a source that teaches, one that is only noisy and one that only repeats itself, by share and by the bandit's two rewards.")
        {
            lab._quick, lab._steps, lab._seeds,
        };
        lab._device.AddTo(command);
        command.SetAction(lab.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        CurriculumLab lab = parsed.GetValue(_quick) ? CurriculumLab.Quick : new CurriculumLab();
        lab = lab with { Steps = parsed.GetValue(_steps) ?? lab.Steps, Seeds = parsed.GetValue(_seeds) ?? lab.Seeds };
        using Device device = _device.Open(parsed, _terminal);
        TextWriter output = _terminal.Output;
        output.WriteLine(Invariant($"{lab.Steps} steps, {lab.Seeds} {(lab.Seeds == 1 ? "seed" : "seeds")}, {device.Description}; means, with the range of the held-out loss on what teaches"));
        output.WriteLine();
        output.WriteLine("choice                  teaches   noise  repeats   held-out loss: teaches         noise  repeats");
        foreach (CurriculumArm arm in CurriculumLab.Arms)
        {
            CurriculumResult[] results = [.. Enumerable.Range(1, lab.Seeds).Select(seed => lab.Run(device, arm, (ulong)seed))];
            output.WriteLine(Row(arm.Name, results));
        }
        return ExitCode.Done;
    }

    private static string Row(string name, CurriculumResult[] results)
    {
        double[] teaching = [.. results.Select(result => result.Losses[0])];
        return Invariant($"{name,-24}{Share(0),7}{Share(1),8}{Share(2),9}   {teaching.Average(),14:0.000} ({teaching.Min():0.000} to {teaching.Max():0.000}){Loss(1),7:0.000}{Loss(2),9:0.000}");

        string Share(int source) => Rendering.Units.Percent(results.Average(result => result.Shares[source]));
        double Loss(int source) => results.Average(result => result.Losses[source]);
    }
}
