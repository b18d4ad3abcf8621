namespace Andrea.Tests.PtxEmulator;

/// <summary>An instruction, the types of its result and operands, and what it should give, computed without the emulator.</summary>
internal sealed record InstructionCase(string Instruction, string Result, string Operands, Func<ulong[], ulong> Expected)
{
    /// <summary>Runs the instruction on every combination of its operands' interesting values.</summary>
    /// <param name="isDefined">Which rows PTX defines the result of; all when null.</param>
    public void Check(Func<ulong[], bool>? isDefined = null)
    {
        ulong[][] rows = [.. OperandValues.Rows(Operands).Where(row => isDefined is null || isDefined(row))];
        ulong[] results = PtxOperation.Evaluate(Instruction, Result, Operands, rows);
        for (int i = 0; i < rows.Length; i++)
        {
            ulong expected = Expected(rows[i]);
            if (results[i] == expected)
                continue;
            string row = string.Join(", ", rows[i].Select(bits => $"0x{bits:x}"));
            Assert.Fail($"{Instruction} of ({row}): 0x{results[i]:x}, expected 0x{expected:x}.");
        }
    }
}

/// <summary>Cases by name, for theories.</summary>
internal sealed class InstructionTable : Dictionary<string, InstructionCase>
{
    public void Add(string instruction, string result, string operands, Func<ulong[], ulong> expected) =>
        Add($"{instruction} {operands}", new InstructionCase(instruction, result, operands, expected));

    public TheoryData<string> Names => [.. Keys];
}
