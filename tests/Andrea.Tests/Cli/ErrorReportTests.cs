using Andrea.Cli;
using Andrea.Cuda;
using Andrea.Data;
using Andrea.Training.Checkpoints;
using Spectre.Console;

namespace Andrea.Tests.Cli;

public sealed class ErrorReportTests
{
    public static TheoryData<string, int, string> Known => new()
    {
        { "usage", ExitCode.WrongUsage, "two options quarrel" },
        { "command", ExitCode.Failed, "no such thing" },
        { "data", ExitCode.Failed, "too short" },
        { "checkpoint", ExitCode.Failed, "cut off" },
        { "file", ExitCode.Failed, "There is no file 'a.txt'; check the path." },
        { "disk full", ExitCode.Failed, "The disk is full (no space left); free some space, or write elsewhere with --out." },
        { "disk full, Windows", ExitCode.Failed, "The disk is full" },
        { "permission", ExitCode.Failed, "denied Check the permissions" },
        { "memory", ExitCode.Failed, "There is not enough memory" },
        { "GPU memory", ExitCode.Failed, "The GPU has not enough memory (cuMemAlloc_v2() failed with CUDA_ERROR_OUT_OF_MEMORY (2): out of memory.) Choose a smaller" },
        { "GPU", ExitCode.Failed, "cuCtxSynchronize() failed with CUDA_ERROR_ILLEGAL_ADDRESS (700): lost." },
        { "no CUDA", ExitCode.Failed, "install it" },
        { "kernel", ExitCode.Failed, "The kernel file adamw.cu does not compile." },
        { "wrapped", ExitCode.Failed, "too short" },
    };

    [Theory]
    [MemberData(nameof(Known))]
    public void KnownError_IsOneSentenceWithoutTrace(string name, int exitCode, string expected)
    {
        (int code, string text) = Report(Make(name));
        Assert.Equal(exitCode, code);
        Assert.StartsWith($"andrea: {expected}", text, StringComparison.Ordinal);
        Assert.Single(text.TrimEnd().Split('\n'));
    }

    [Fact]
    public void UnknownError_NamesItsTypeAndTheTraceVariable()
    {
        (int code, string text) = Report(new InvalidOperationException("the cat\nate it"));
        Assert.Equal(ExitCode.Failed, code);
        Assert.Equal(
            "andrea: Something went wrong that Andrea did not expect (InvalidOperationException): the cat ate it Set ANDREA_TRACE=1 to see where, and please report it.",
            text.TrimEnd());
    }

    [Fact]
    public void Trace_WhenAskedFor_FollowsTheSentence()
    {
        (_, string text) = Report(Thrown(), trace: true);
        string[] lines = text.TrimEnd().Split('\n');
        Assert.True(lines.Length > 2, text);
        Assert.Contains(nameof(Thrown), text, StringComparison.Ordinal);
        Assert.DoesNotContain("ANDREA_TRACE", text, StringComparison.Ordinal);
    }

    [Fact]
    public void AsUsage_ArgumentException_LosesWhatDotNetAppended()
    {
        var refused = Assert.Throws<UsageException>(() => ErrorReport.AsUsage<int>(
            () => throw new ArgumentOutOfRangeException("count", 3, "There are 3; expected 2.")));
        Assert.Equal("There are 3; expected 2.", refused.Message);
    }

    private static Exception Make(string name) => name switch
    {
        "usage" => new UsageException("two options quarrel"),
        "command" => new CommandException("no such thing"),
        "data" => new TrainingDataException("too short"),
        "checkpoint" => new CheckpointFormatException("cut off"),
        "file" => new FileNotFoundException("Could not find file", "a.txt"),
        "disk full" => new IOException("no space left", 28),
        "disk full, Windows" => new IOException("no space left", unchecked((int)0x80070070)),
        "permission" => new UnauthorizedAccessException("denied"),
        "memory" => new OutOfMemoryException(),
        "GPU memory" => new CudaException("cuMemAlloc_v2()", 2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory."),
        "GPU" => new CudaException("cuCtxSynchronize()", 700, "CUDA_ERROR_ILLEGAL_ADDRESS", "lost.", isFatal: true),
        "no CUDA" => new CudaUnavailableException("install it"),
        "kernel" => new KernelCompilationException("adamw.cu", "adamw.cu:1: error: no\nadamw.cu:2: error: no"),
        _ => new AggregateException(new AggregateException(new TrainingDataException("too short"))),
    };

    private static Exception Thrown()
    {
        try
        {
            throw new TrainingDataException("too short");
        }
        catch (TrainingDataException exception)
        {
            return exception;
        }
    }

    private static (int Code, string Text) Report(Exception exception, bool trace = false)
    {
        var error = new StringWriter();
        var terminal = new Terminal
        {
            Output = TextWriter.Null,
            Error = error,
            Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) }),
            IsInteractive = false,
            Variable = name => trace && name == "ANDREA_TRACE" ? "1" : null,
        };
        return (ErrorReport.Write(exception, terminal), error.ToString());
    }
}
