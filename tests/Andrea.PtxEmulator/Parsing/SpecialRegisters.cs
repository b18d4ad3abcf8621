namespace Andrea.PtxEmulator.Parsing;

/// <summary>The special registers that the emulator knows.</summary>
internal static class SpecialRegisters
{
    private static readonly HashSet<string> Known =
    [
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
        "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid", "%warpid", "%nwarpid",
        "%lanemask_eq", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge",
        "%dynamic_smem_size", "%total_smem_size",
    ];

    public static bool IsKnown(string name) => Known.Contains(name);
}
