using System.Diagnostics;

namespace Andrea.Cli.Bench;

/// <summary>Runs what is to be measured for a while first, so that memory is mapped and the JIT has compiled the code for good.</summary>
internal static class Warmup
{
    private const int Repetitions = 2;
    private static readonly TimeSpan Time = TimeSpan.FromMilliseconds(400);

    public static void Run(Action action)
    {
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < Repetitions || Stopwatch.GetElapsedTime(started) < Time; i++)
            action();
    }
}
