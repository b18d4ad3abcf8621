using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Special registers and the addresses of variables.</summary>
internal sealed partial class KernelBuilder
{
    /// <summary>Puts a variable's address on the stack: 64 bits, an offset where the space has offsets.</summary>
    public void LoadVariable(VariableOperand operand)
    {
        long offset = Layout.Offset(operand.Variable);
        if (operand.Variable.Space is PtxSpace.Global or PtxSpace.Constant)
        {
            LoadBlock(nameof(BlockFrame.Variables));
            IL.Emit(OpCodes.Ldc_I4, checked((int)offset * sizeof(ulong)));
            IL.Emit(OpCodes.Add);
            IL.Emit(OpCodes.Ldind_I8);
            if (operand.Offset == 0)
                return;
            IL.Emit(OpCodes.Ldc_I8, operand.Offset);
            IL.Emit(OpCodes.Add);
            return;
        }
        IL.Emit(OpCodes.Ldc_I8, offset + operand.Offset);
    }

    private void LoadSpecial(string name)
    {
        switch (name)
        {
            case "%tid.x" or "%tid.y" or "%tid.z":
                LoadThread($"Thread{char.ToUpperInvariant(name[^1])}");
                break;
            case "%ntid.x" or "%ntid.y" or "%ntid.z":
                LoadBlock($"Threads{char.ToUpperInvariant(name[^1])}");
                break;
            case "%ctaid.x" or "%ctaid.y" or "%ctaid.z":
                LoadBlock($"Block{char.ToUpperInvariant(name[^1])}");
                break;
            case "%nctaid.x" or "%nctaid.y" or "%nctaid.z":
                LoadBlock($"Grid{char.ToUpperInvariant(name[^1])}");
                break;
            case "%laneid":
                LoadThread(nameof(ThreadFrame.Lane));
                break;
            case "%warpid":
                LoadThread(nameof(ThreadFrame.Warp));
                break;
            case "%nwarpid":
                LoadBlock(nameof(BlockFrame.Warps));
                break;
            case "%dynamic_smem_size":
                LoadBlock(nameof(BlockFrame.DynamicSharedBytes));
                break;
            case "%total_smem_size":
                LoadBlock(nameof(BlockFrame.SharedBytes));
                IL.Emit(OpCodes.Conv_I4);
                break;
            default:
                LoadThread(nameof(ThreadFrame.Lane));
                Call(typeof(LaneMasks), name["%lanemask_".Length..].ToUpperInvariant());
                break;
        }
    }
}
