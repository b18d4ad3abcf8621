using System.Text.RegularExpressions;
using Andrea.Clipping;
using Andrea.Cuda;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Training;

namespace Andrea.Cli;

/// <summary>Turns whatever went wrong into one sentence on standard error and an exit code. The only place that does.</summary>
internal static partial class ErrorReport
{
    /// <summary>Set to 1 to see the stack trace of an error as well.</summary>
    public const string TraceVariable = "ANDREA_TRACE";

    private const string OutOfGpuMemory = "CUDA_ERROR_OUT_OF_MEMORY";

    // ENOSPC, EDQUOT and EFBIG on Linux; ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL on Windows.
    private static readonly int[] DiskFullCodes = [28, 122, 27, unchecked((int)0x80070070), unchecked((int)0x80070027)];

    /// <summary>Writes the sentence.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(Exception exception, Terminal terminal)
    {
        exception = Innermost(exception);
        string? sentence = Explain(exception);
        bool trace = terminal.Variable(TraceVariable) == "1";
        if (sentence is null)
        {
            string hint = trace ? "" : $" Set {TraceVariable}=1 to see where, and please report it.";
            sentence = $"Something went wrong that Andrea did not expect ({exception.GetType().Name}): {exception.Message}{hint}";
        }
        terminal.Error.WriteLine($"andrea: {OneLine(sentence)}");
        if (trace)
            terminal.Error.WriteLine(exception);
        return exception is UsageException ? ExitCode.WrongUsage : ExitCode.Failed;
    }

    /// <summary>Writes a line about something that was done otherwise than may have been hoped for.</summary>
    public static void Note(string text, Terminal terminal) => terminal.Error.WriteLine($"andrea: {OneLine(text)}");

    /// <summary>The sentence for errors that users can do something about; null for those that point to a defect.</summary>
    internal static string? Explain(Exception exception) => exception switch
    {
        UsageException or CommandException or TrainingDataException => exception.Message,
        // The library speaks to programmers.
        NonFiniteGradientException => exception.Message.Replace(
            $"{nameof(NonFinitePolicy)}.{nameof(NonFinitePolicy.SkipStep)}", "--non-finite skip", StringComparison.Ordinal),
        DivergedModelException or SpikeGuardException => exception.Message,
        CudaException { CodeName: OutOfGpuMemory } => $"The GPU has not enough memory ({exception.Message}) Choose a smaller preset, --batch or --context.",
        CudaException or CudaUnavailableException or KernelCompilationException => exception.Message,
        FileNotFoundException { FileName: { Length: > 0 } path } => $"There is no file '{path}'; check the path.",
        DirectoryNotFoundException => $"{exception.Message} Check the path.",
        IOException { InnerException: null } io when DiskFullCodes.Contains(io.HResult) =>
            $"The disk is full ({io.Message}); free some space, or write elsewhere with --out.",
        IOException => exception.Message,
        UnauthorizedAccessException => $"{exception.Message} Check the permissions, or choose another place.",
        OutOfMemoryException => "There is not enough memory; choose a smaller preset, --batch or --context.",
        _ => null,
    };

    /// <summary>Runs a check of the library on values that came from options: what it refuses is wrong usage.</summary>
    public static T AsUsage<T>(Func<T> check)
    {
        try
        {
            return check();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(WithoutParameter(exception.Message));
        }
    }

    private static Exception Innermost(Exception exception) =>
        exception is AggregateException { InnerException: { } inner } ? Innermost(inner) : exception;

    /// <summary>The message as the library wrote it, without what .NET appends about the parameter.</summary>
    private static string WithoutParameter(string message) => ParameterSuffix().Replace(message, "");

    private static string OneLine(string text) => LineBreaks().Replace(text.Trim(), " ");

    [GeneratedRegex(@"\s*\(Parameter '.*", RegexOptions.Singleline)]
    private static partial Regex ParameterSuffix();

    [GeneratedRegex(@"\s*[\r\n]+\s*")]
    private static partial Regex LineBreaks();
}
