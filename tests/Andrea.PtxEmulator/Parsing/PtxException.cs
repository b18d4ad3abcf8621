namespace Andrea.PtxEmulator.Parsing;

/// <summary>PTX text that the emulator does not understand: it never guesses.</summary>
internal sealed class PtxException(int line, string message) : Exception($"PTX line {line}: {message}")
{
    /// <summary>The line of the PTX text, from 1.</summary>
    public int Line { get; } = line;
}
