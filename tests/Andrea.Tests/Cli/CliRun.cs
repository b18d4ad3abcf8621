using System.Text.RegularExpressions;
using Andrea.Cli;
using Andrea.PtxEmulator.Driver;
using Andrea.Tests.Cuda;
using Spectre.Console;

namespace Andrea.Tests.Cli;

/// <summary>One run of the command line inside the test process, with everything it wrote.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    public static async Task<CliRun> Of(params string[] arguments) => await Of(new Dictionary<string, string>(), arguments);

    public static async Task<CliRun> Of(Dictionary<string, string> variables, params string[] arguments) =>
        await Of(variables, Device.TryCuda, arguments);

    /// <summary>A terminal that nobody looks at.</summary>
    public static Terminal Nowhere() => new()
    {
        Output = TextWriter.Null,
        Error = TextWriter.Null,
        Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null), Ansi = AnsiSupport.No }),
        IsInteractive = false,
    };

    /// <summary>On a machine whose only GPU is the emulator.</summary>
    public static async Task<CliRun> OnEmulator(params string[] arguments) => await OnEmulator(new EmulatedGpu(), arguments);

    /// <summary>On a machine whose only GPU is this one, emulated.</summary>
    public static async Task<CliRun> OnEmulator(EmulatedGpu gpu, params string[] arguments)
    {
        // Here, since within the command a skipped test would be one more error to report.
        _ = TestNvrtc.Get();
        using var driver = new EmulatedCudaDriver(gpu);
        return await Of([], OpenEmulator, arguments);

        Device? OpenEmulator(CudaOptions options, out string? whyNot)
        {
            whyNot = null;
            return CudaDevices.Open(driver, options);
        }
    }

    private static async Task<CliRun> Of(Dictionary<string, string> variables, GpuOpener openGpu, string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var terminal = new Terminal
        {
            Output = output,
            Error = error,
            Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No }),
            IsInteractive = false,
            OpenGpu = openGpu,
            Variable = name => variables.GetValueOrDefault(name),
        };
        int exitCode = await CommandLine.RunAsync(arguments, terminal);
        return new CliRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>It did what was asked, and complained of nothing.</summary>
    public CliRun Succeeded()
    {
        Assert.Equal("", Error);
        Assert.Equal(Andrea.Cli.ExitCode.Done, ExitCode);
        return this;
    }

    /// <summary>It failed with this code and one line on standard error that begins with the program's name.</summary>
    /// <returns>The line, without the name.</returns>
    public string FailedWith(int exitCode)
    {
        Assert.Equal(exitCode, ExitCode);
        string[] lines = Regex.Split(Error.TrimEnd(), "\r?\n");
        Assert.True(lines.Length == 1, $"expected one line, not:\n{Error}");
        Assert.StartsWith("andrea: ", lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        return lines[0]["andrea: ".Length..];
    }
}
