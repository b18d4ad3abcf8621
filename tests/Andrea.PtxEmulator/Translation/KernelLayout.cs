using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Where each variable of a kernel lies: parameters, shared and local memory by offset, the module's own by number.</summary>
internal sealed class KernelLayout
{
    private const int DynamicAlignment = 16;

    private readonly Dictionary<PtxVariable, long> _offsets = [];
    private readonly List<PtxVariable> _moduleVariables = [];
    private readonly HashSet<PtxVariable> _entryParameters;

    public KernelLayout(FlatKernel kernel)
    {
        _entryParameters = [.. kernel.Entry.Parameters];
        long parameters = 0;
        foreach (PtxVariable parameter in kernel.Entry.Parameters)
            parameters = Place(parameter, parameters) + parameter.Bytes;
        ParameterBytes = parameters;
        PtxVariable[] used = [.. kernel.Body.SelectMany(i => i.Operands).Select(VariableOf).OfType<PtxVariable>().Distinct()];
        foreach (PtxVariable variable in used.Where(v => v.Space == PtxSpace.Shared && !v.IsDynamic))
            StaticSharedBytes = Place(variable, StaticSharedBytes) + variable.Bytes;
        PtxVariable[] dynamic = [.. used.Where(v => v.IsDynamic)];
        if (dynamic.Length > 0)
            StaticSharedBytes = Align(StaticSharedBytes, Math.Max(DynamicAlignment, dynamic.Max(v => v.Alignment)));
        foreach (PtxVariable variable in dynamic)
            _offsets[variable] = StaticSharedBytes;
        foreach (PtxVariable variable in used.Where(v => v.Space is PtxSpace.Local || (v.Space is PtxSpace.Parameter && !IsEntryParameter(v))))
            LocalBytes = Place(variable, LocalBytes) + variable.Bytes;
        LocalBytes = Align(LocalBytes, DynamicAlignment);
        foreach (PtxVariable variable in used.Where(v => v.Space is PtxSpace.Global or PtxSpace.Constant))
        {
            _offsets[variable] = _moduleVariables.Count;
            _moduleVariables.Add(variable);
        }
    }

    public long ParameterBytes { get; }

    public long StaticSharedBytes { get; }

    public long LocalBytes { get; }

    /// <summary>The variables of the module that the kernel uses, by number.</summary>
    public IReadOnlyList<PtxVariable> ModuleVariables => _moduleVariables;

    public bool IsEntryParameter(PtxVariable variable) => _entryParameters.Contains(variable);

    /// <summary>A variable's offset in its space, or its number if it is the module's.</summary>
    public long Offset(PtxVariable variable) => _offsets[variable];

    public static long Align(long offset, int alignment) => (offset + alignment - 1) / alignment * alignment;

    private long Place(PtxVariable variable, long offset) => _offsets[variable] = Align(offset, variable.Alignment);

    private static PtxVariable? VariableOf(PtxOperand operand) => operand switch
    {
        VariableOperand variable => variable.Variable,
        AddressOperand address => address.Variable,
        _ => null,
    };
}
