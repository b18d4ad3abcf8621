using System.CommandLine;
using Andrea.Cli.Doctor;

namespace Andrea.Cli.Commands;

/// <summary>The options that choose where to compute.</summary>
internal sealed class DeviceOptions
{
    private const string Auto = "auto", Cpu = "cpu", Cuda = "cuda";

    private readonly Option<string?> _device = CliOption.Choice(
        "--device", "Where to compute (default: auto, the best there is).", Auto, Cpu, Cuda);

    private readonly Option<int?> _threads = CliOption.Count(
        "--threads", "CPU threads; results do not depend on it (default: one per processor).", 1, 1024);

    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_threads);
    }

    /// <summary>Opens the device that was asked for.</summary>
    public Device Open(ParseResult parsed)
    {
        string name = parsed.GetValue(_device) ?? Auto;
        if (name == Cuda && CudaStatus.WhyNotUsable() is { } reason)
            throw new CommandException($"CUDA is not usable: {reason}; use --device cpu.");
        return Device.Cpu(parsed.GetValue(_threads) ?? 0);
    }
}
