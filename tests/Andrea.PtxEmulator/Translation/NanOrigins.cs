using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Which float32 registers may hold a NaN that arithmetic made.</summary>
/// <remarks>
/// A GPU's float32 arithmetic gives one NaN, 0x7fffffff; this machine's gives others. Rather than mending every result, the bits are
/// mended where a float becomes bits: at stores, moves of bits and shuffles. Values that were only loaded or moved keep theirs.
/// </remarks>
internal static class NanOrigins
{
    public static HashSet<PtxRegister> Find(FlatKernel kernel)
    {
        var found = new HashSet<PtxRegister>();
        int before = -1;
        while (found.Count != before)
        {
            before = found.Count;
            foreach (PtxInstruction instruction in kernel.Body)
                foreach (PtxRegister result in InstructionFacts.Results(instruction))
                    if (result.Type == PtxType.F32 && IsOrigin(instruction, found))
                        found.Add(result);
        }
        return found;
    }

    private static bool IsOrigin(PtxInstruction instruction, HashSet<PtxRegister> found) => instruction.Opcode switch
    {
        "ld" or "shfl" or "atom" => false,
        // From integer registers come bits that somebody chose.
        "mov" or "selp" => InstructionFacts.Uses(instruction).Any(found.Contains),
        _ => true,
    };
}
