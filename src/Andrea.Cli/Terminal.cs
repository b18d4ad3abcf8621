using Andrea.Cuda.Diagnosis;
using Spectre.Console;

namespace Andrea.Cli;

/// <summary>All of the outside world that a command talks to, so that tests can put something else in its place.</summary>
internal sealed class Terminal
{
    /// <summary>Standard output, as plain text.</summary>
    public required TextWriter Output { get; init; }

    /// <summary>Standard output for text without end: throws when nobody reads it any more.</summary>
    public TextWriter Stream
    {
        get => field ??= Output;
        init;
    }

    /// <summary>Opens standard input, as bytes.</summary>
    public Func<Stream> OpenInput { get; init; } = System.Console.OpenStandardInput;

    /// <summary>Opens standard output, as bytes.</summary>
    public Func<Stream> OpenOutput { get; init; } = System.Console.OpenStandardOutput;

    /// <summary>Standard error, as plain text.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Standard output with colors and cursor movement, where it is a terminal.</summary>
    public required IAnsiConsole Console { get; init; }

    /// <summary>Whether a person watches the output as it appears.</summary>
    public required bool IsInteractive { get; init; }

    /// <summary>Wall time, for rates and remaining time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Looks up an environment variable.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Opens a GPU; null, and why, where that cannot be done.</summary>
    public GpuOpener OpenGpu { get; init; } = Device.TryCuda;

    /// <summary>Whether there seems to be a GPU, usable or not.</summary>
    public Func<bool> HasGpu { get; init; } = GpuPresence.IsLikely;

    /// <summary>The process's own streams.</summary>
    public static Terminal OfProcess() => new()
    {
        Output = System.Console.Out,
        Stream = StandardOutput.Open(),
        Error = System.Console.Error,
        Console = AnsiConsole.Console,
        IsInteractive = !System.Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi,
    };
}

/// <summary>Opens a GPU.</summary>
/// <param name="options">Which, and how.</param>
/// <param name="whyNot">Why it cannot be used; null when it can.</param>
internal delegate Device? GpuOpener(CudaOptions options, out string? whyNot);
