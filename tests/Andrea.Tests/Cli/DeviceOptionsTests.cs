using System.CommandLine;
using Andrea.Cli;
using Andrea.Cli.Commands;
using Spectre.Console;

namespace Andrea.Tests.Cli;

/// <summary>Which device the options open, on machines made up.</summary>
public sealed class DeviceOptionsTests
{
    private readonly List<CudaOptions> _asked = [];
    private readonly StringWriter _errors = new();

    [Theory]
    [InlineData("", 0, false, true)]
    [InlineData("--device auto", 0, false, true)]
    [InlineData("--device cuda", 0, false, true)]
    [InlineData("--gpu 3", 3, false, true)]
    [InlineData("--device cuda --gpu 1 --tf32", 1, true, true)]
    [InlineData("--tf32", 0, true, true)]
    [InlineData("--no-cublas", 0, false, false)]
    public void WithAGpu_ItIsOpenedWithTheOptions(string options, int ordinal, bool tf32, bool cublas)
    {
        using Device gpu = Device.Reference();
        Assert.Same(gpu, Open(options, gpu, hasGpu: true));
        CudaOptions asked = Assert.Single(_asked);
        Assert.Equal((ordinal, tf32, cublas, null), (asked.Ordinal, asked.AllowTf32, asked.UseCublas, asked.Stream));
        Assert.Equal("", _errors.ToString());
    }

    [Fact]
    public void DeviceCpu_AsksForNoGpu()
    {
        using Device device = Open("--device cpu --threads 2", null, hasGpu: true);
        Assert.Contains("2 threads", device.Description, StringComparison.Ordinal);
        Assert.Empty(_asked);
        Assert.Equal("", _errors.ToString());
    }

    [Fact]
    public void DeviceAuto_WithoutAGpu_IsTheCpuWithoutAWord()
    {
        using Device device = Open("--threads 2", null, hasGpu: false);
        Assert.Contains("2 threads", device.Description, StringComparison.Ordinal);
        Assert.Equal("", _errors.ToString());
    }

    [Fact]
    public void DeviceAuto_WithAGpuThatCannotBeUsed_SaysSoInOneLine()
    {
        using Device device = Open("", null, hasGpu: true);
        Assert.Equal("cpu", device.Name);
        Assert.Equal(
            "andrea: The CPU is used, because CUDA is not usable: NVRTC is missing. Install it. Use --device cpu to do without the GPU and this note.",
            _errors.ToString().TrimEnd());
    }

    [Theory]
    [InlineData("--device cuda")]
    [InlineData("--gpu 0")]
    public void GpuAskedFor_ThatCannotBeUsed_IsRefused(string options)
    {
        var error = Assert.Throws<CommandException>(() => Open(options, null, hasGpu: true));
        Assert.StartsWith("CUDA is not usable: NVRTC is missing.", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("use --device cpu.", error.Message, StringComparison.Ordinal);
    }

    private Device Open(string line, Device? gpu, bool hasGpu)
    {
        var options = new DeviceOptions();
        var command = new Command("test");
        options.AddTo(command);
        ParseResult parsed = command.Parse(line);
        Assert.Empty(parsed.Errors);
        return options.Open(parsed, new Terminal
        {
            Output = TextWriter.Null,
            Error = _errors,
            Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) }),
            IsInteractive = false,
            OpenGpu = TryCuda,
            HasGpu = () => hasGpu,
        });

        Device? TryCuda(CudaOptions asked, out string? whyNot)
        {
            _asked.Add(asked);
            whyNot = gpu is null ? "NVRTC is missing.\nInstall it." : null;
            return gpu;
        }
    }
}
