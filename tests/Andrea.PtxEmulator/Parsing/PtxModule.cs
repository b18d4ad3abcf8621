namespace Andrea.PtxEmulator.Parsing;

/// <summary>A place in the source that a kernel was compiled from, as <c>.loc</c> says.</summary>
internal readonly record struct PtxSource(int File, int Line);

/// <summary>One instruction.</summary>
/// <param name="Opcode">The part before the first dot.</param>
/// <param name="Modifiers">The parts after it.</param>
/// <param name="Guard">The predicate that decides whether it runs, or null.</param>
/// <param name="Line">The line in the PTX text.</param>
internal sealed record PtxInstruction(
    string Opcode, string[] Modifiers, PtxOperand[] Operands, RegisterOperand? Guard, int Line, PtxSource Source)
{
    /// <summary>Of a call only: the variables of results and arguments.</summary>
    public PtxVariable[] Results { get; init; } = [];

    public PtxVariable[] Arguments { get; init; } = [];

    public string Name => Modifiers.Length == 0 ? Opcode : $"{Opcode}.{string.Join('.', Modifiers)}";
}

/// <summary>A kernel or a device function.</summary>
internal sealed class PtxFunction(string name, bool isEntry, int line)
{
    public string Name { get; } = name;

    public bool IsEntry { get; } = isEntry;

    public int Line { get; } = line;

    public List<PtxVariable> Results { get; } = [];

    public List<PtxVariable> Parameters { get; } = [];

    public List<PtxInstruction> Body { get; } = [];

    /// <summary>Where each label stands: the index of the instruction after it.</summary>
    public Dictionary<string, int> Labels { get; } = [];

    /// <summary>The largest number of threads in a block that the kernel was compiled for; 0 when it does not say.</summary>
    public int MaxThreads { get; set; }

    public (int X, int Y, int Z)? RequiredThreads { get; set; }

    public bool HasBody { get; set; }
}

/// <summary>A parsed PTX text.</summary>
internal sealed class PtxModule
{
    public string Target { get; set; } = "";

    public Dictionary<string, PtxFunction> Functions { get; } = [];

    public Dictionary<string, PtxVariable> Variables { get; } = [];

    public Dictionary<int, string> Files { get; } = [];

    /// <summary>Parses PTX text.</summary>
    /// <exception cref="PtxException">The text is not PTX, or uses what the emulator does not know.</exception>
    public static PtxModule Parse(string text) => new PtxParser(text).ParseModule();
}
