using System.CommandLine;

namespace Andrea.Cli.Commands;

/// <summary>The options that choose where to compute.</summary>
internal sealed class DeviceOptions
{
    private const string Auto = "auto", Cpu = "cpu", Cuda = "cuda", Reference = "reference";

    private readonly Option<string?> _device;

    private readonly Option<int?> _threads = CliOption.Count(
        "--threads", "CPU threads; results do not depend on it (default: one per processor).", 1, 1024);

    private readonly Option<int?> _gpu = CliOption.Count("--gpu", "Which GPU, from 0, as CUDA_VISIBLE_DEVICES numbers them; implies --device cuda (default: 0).", 0);

    private readonly Option<bool> _tf32 = new("--tf32")
    {
        Description = "On a GPU, matrix products round their factors to TF32: faster, less exact (default: float32).",
    };

    private readonly Option<bool> _noCublas = new("--no-cublas")
    {
        Description = "On a GPU, Andrea's own matrix products instead of cuBLASLt's (default: cuBLASLt's where it is installed).",
    };

    /// <param name="withReference">Whether a step can be made on the slow scalar reference, too, after those before it were made on the CPU.</param>
    public DeviceOptions(bool withReference = false)
    {
        string[] choices = withReference ? [Auto, Cpu, Cuda, Reference] : [Auto, Cpu, Cuda];
        string reference = withReference ? "; reference makes the step on the CPU, then again with sums in double" : "";
        _device = CliOption.Choice("--device", $"Where to compute (default: auto, a GPU if CUDA is usable, else the CPU{reference}).", choices);
    }

    /// <summary>Whether the step is to be made on the reference, too.</summary>
    public bool IsReference(ParseResult parsed) => parsed.GetValue(_device) == Reference;

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_device, _threads, _gpu, _tf32, _noCublas])
            command.Add(option);
    }

    /// <summary>Opens the device that was asked for.</summary>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    /// <exception cref="CommandException">A GPU was asked for, and cannot be used.</exception>
    public Device Open(ParseResult parsed, Terminal terminal)
    {
        string name = IsReference(parsed) ? Cpu : parsed.GetValue(_device) ?? Auto;
        Refuse(parsed, name);
        int threads = parsed.GetValue(_threads) ?? 0;
        if (name == Cpu)
            return Device.Cpu(threads);
        var options = new CudaOptions
        {
            Ordinal = parsed.GetValue(_gpu) ?? 0,
            AllowTf32 = parsed.GetValue(_tf32),
            UseCublas = !parsed.GetValue(_noCublas),
        };
        if (terminal.OpenGpu(options, out string? whyNot) is { } gpu)
            return gpu;
        bool mustBeGpu = name == Cuda || parsed.GetValue(_gpu) is not null;
        if (mustBeGpu)
            throw new CommandException($"CUDA is not usable: {whyNot} To do without a GPU, use --device cpu.");
        // Nobody who has no GPU wants to hear of it at every start; who has one does.
        if (terminal.HasGpu())
            ErrorReport.Note($"The CPU is used, because CUDA is not usable: {whyNot} Use --device cpu to do without the GPU and this note.", terminal);
        return Device.Cpu(threads);
    }

    private void Refuse(ParseResult parsed, string name)
    {
        if (name == Cpu)
            foreach (Option option in (Option[])[_gpu, _tf32, _noCublas])
                if (IsGiven(parsed, option))
                    throw new UsageException($"{option.Name} is about GPUs, so it cannot be given with --device cpu; leave one of them out.");
        bool onlyGpu = name == Cuda || IsGiven(parsed, _gpu);
        if (onlyGpu && IsGiven(parsed, _threads))
            throw new UsageException(
                $"--threads is about the CPU, so it cannot be given with {(name == Cuda ? "--device cuda" : "--gpu")}; leave one of them out.");
        if (IsGiven(parsed, _tf32) && IsGiven(parsed, _noCublas))
            throw new UsageException("--tf32 needs cuBLASLt, so it cannot be given with --no-cublas; leave one of them out.");
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}
