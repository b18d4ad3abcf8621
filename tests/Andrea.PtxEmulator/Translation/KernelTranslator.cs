using System.Reflection.Emit;
using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Translates a kernel into a method, once; from then on it runs at the speed of compiled code.</summary>
internal sealed class KernelTranslator
{
    private readonly FlatKernel _kernel;
    private readonly KernelBuilder _builder;
    private readonly DynamicMethod _method;
    private readonly Dictionary<int, Label> _labels = [];

    private KernelTranslator(FlatKernel kernel, bool detectRaces)
    {
        _kernel = kernel;
        _method = new DynamicMethod(
            kernel.Entry.Name, typeof(int), [typeof(ThreadFrame).MakePointerType()], typeof(KernelTranslator).Module, skipVisibility: true)
        {
            // What may be read before it is written is set in the prologue; the rest need not cost a store at each resumption.
            InitLocals = false,
        };
        _builder = new KernelBuilder(_method.GetILGenerator(), kernel, new KernelLayout(kernel), new Liveness(kernel), detectRaces);
        foreach (int target in kernel.Labels.Values.Distinct())
            _labels.Add(target, _builder.IL.DefineLabel());
    }

    /// <summary>Translates a kernel.</summary>
    /// <exception cref="PtxException">It has an instruction or a modifier that the emulator does not know.</exception>
    public static TranslatedKernel Translate(PtxModule module, PtxFunction function, bool detectRaces, bool countInstructions)
    {
        FlatKernel kernel = FunctionInliner.Flatten(module, function);
        return new KernelTranslator(kernel, detectRaces).Translate(countInstructions);
    }

    private TranslatedKernel Translate(bool countInstructions)
    {
        _builder.EmitPrologue(countInstructions);
        for (int i = 0; i < _kernel.Body.Count; i++)
        {
            if (_labels.TryGetValue(i, out Label label))
                _builder.IL.MarkLabel(label);
            if (i == 0 || _labels.ContainsKey(i) || EndsRun(_kernel.Body[i - 1]))
                _builder.EmitCount(RunLength(i));
            Emit(new InstructionReader(_kernel.Body[i], i));
        }
        if (_labels.TryGetValue(_kernel.Body.Count, out Label end))
            _builder.IL.MarkLabel(end);
        _builder.EmitReturn(0);
        return new TranslatedKernel(
            _kernel.Entry,
            _method.CreateDelegate<KernelEntry>(),
            _builder.Layout,
            _kernel.Body,
            _builder.Waits.Points,
            _builder.Waits.SavedRegisters,
            _kernel.Body.Any(i => i.Opcode is "atom" or "red" && !i.Modifiers.Contains("shared")));
    }

    private void Emit(InstructionReader reader)
    {
        PtxInstruction instruction = reader.Instruction;
        Label skip = default;
        if (instruction.Guard is { } guard)
        {
            skip = _builder.IL.DefineLabel();
            _builder.Load(guard, PtxType.Predicate, reader);
            _builder.IL.Emit(OpCodes.Brfalse, skip);
        }
        if (instruction.Opcode == "bra")
            EmitBranch(reader);
        else
            InstructionTable.Emit(_builder, reader);
        if (instruction.Guard is not null)
            _builder.IL.MarkLabel(skip);
    }

    private void EmitBranch(InstructionReader reader)
    {
        reader.Has("uni");
        reader.End(1);
        int target = _kernel.Target(reader.Instruction);
        if (target <= reader.Index)
            _builder.EmitLoopCheck(reader.Index);
        _builder.IL.Emit(OpCodes.Br, _labels[target]);
    }

    private static bool EndsRun(PtxInstruction instruction) =>
        InstructionFacts.EndsBlock(instruction) || InstructionFacts.Suspends(instruction);

    /// <summary>How many instructions run in a row from here; guarded ones count as run.</summary>
    private int RunLength(int start)
    {
        int end = start;
        while (end < _kernel.Body.Count && (end == start || !_labels.ContainsKey(end)))
            if (EndsRun(_kernel.Body[end++]))
                break;
        return end - start;
    }
}
