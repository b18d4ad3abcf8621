using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>What an instruction reads, writes and does to the flow of control.</summary>
internal static class InstructionFacts
{
    private static readonly HashSet<string> WithoutResult =
        ["st", "red", "bra", "membar", "fence", "ret", "exit", "trap", "brkpt", "prefetch", "nanosleep", "pragma"];

    /// <summary>Whether the first operand is a result.</summary>
    public static bool HasResult(PtxInstruction instruction) =>
        instruction.Opcode is "bar" or "barrier" ? instruction.Modifiers.Contains("red") : !WithoutResult.Contains(instruction.Opcode);

    public static bool EndsBlock(PtxInstruction instruction) => instruction.Opcode is "bra" or "ret" or "exit" or "trap";

    /// <summary>Whether the next instruction may run after this one.</summary>
    public static bool FallsThrough(PtxInstruction instruction) => !EndsBlock(instruction) || instruction.Guard is not null;

    /// <summary>Whether the thread may have to wait here for others.</summary>
    public static bool Suspends(PtxInstruction instruction) =>
        instruction.Opcode is "bar" or "barrier" or "shfl" or "vote" or "activemask" or "match" or "redux";

    public static IEnumerable<PtxRegister> Results(PtxInstruction instruction) =>
        HasResult(instruction) && instruction.Operands.Length > 0 ? Registers(instruction.Operands[0]) : [];

    public static IEnumerable<PtxRegister> Uses(PtxInstruction instruction)
    {
        IEnumerable<PtxRegister> uses = instruction.Operands.Skip(HasResult(instruction) ? 1 : 0).SelectMany(Registers);
        return instruction.Guard is { } guard ? uses.Append(guard.Register) : uses;
    }

    private static IEnumerable<PtxRegister> Registers(PtxOperand operand) => operand switch
    {
        RegisterOperand register => [register.Register],
        AddressOperand { Register: { } register } => [register],
        VectorOperand vector => vector.Elements.SelectMany(Registers),
        PairOperand pair => Registers(pair.First).Concat(Registers(pair.Second)),
        _ => [],
    };
}
