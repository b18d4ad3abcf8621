namespace Andrea.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    /// <summary>Done, or stopped in good order by a signal.</summary>
    public const int Done = 0;

    /// <summary>It did not work: a missing file, a damaged checkpoint, a full disk, a diverged run.</summary>
    public const int Failed = 1;

    /// <summary>The command line made no sense.</summary>
    public const int WrongUsage = 2;

    /// <summary>The coherence gate has halted a run; its checkpoint is kept.</summary>
    public const int Incoherent = 3;

    /// <summary>A replayed step has the recorded bits, and its spike is in the data of its batch.</summary>
    public const int ReplayData = 10;

    /// <summary>A replayed step has the recorded bits, and its spike was in the parameters before it.</summary>
    public const int ReplayParameters = 11;

    /// <summary>A replayed step has the recorded bits, but sums in double give another result.</summary>
    public const int ReplayNumerics = 12;

    /// <summary>A replayed step, or one before it, has other bits than were recorded.</summary>
    public const int ReplayHardware = 13;

    /// <summary>A replayed step has other bits, but the options that it was made with are not known any more.</summary>
    public const int ReplayUnknown = 14;
}
