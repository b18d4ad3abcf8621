using System.Diagnostics;

namespace Andrea.Tests.Support;

/// <summary>Runs another program to its end.</summary>
public static class ChildProcess
{
    /// <summary>What the program wrote to standard output; fails the test, with all it wrote, when it ends with an error.</summary>
    public static string Run(string folder, string program, params string[] arguments)
    {
        (int code, string output, string errors) = RunAny(folder, program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}:\n{output}{errors}");
        return output;
    }

    /// <summary>How the program ended, and what it wrote to standard output and to standard error.</summary>
    public static (int Code, string Output, string Errors) RunAny(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // Build servers outlive their build, and hold on to these pipes.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }
}
