namespace Andrea.Tests.Support;

/// <summary>What this process, and so its children, make of signals. Linux only.</summary>
internal static class Signals
{
    /// <summary>Skips the test where the process began with the signal ignored, as under nohup or in a shell's background: a child would wait for ever.</summary>
    public static void SkipWhereIgnored(int signal) => Assert.SkipWhen(
        IsIgnored(signal), $"whoever started the tests has them ignore signal {signal}, as nohup does with SIGHUP, and shells with SIGINT in the background");

    private static bool IsIgnored(int signal)
    {
        string mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..].Trim();
        return ((Convert.ToUInt64(mask, 16) >> (signal - 1)) & 1) != 0;
    }
}
