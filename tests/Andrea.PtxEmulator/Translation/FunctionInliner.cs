using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>
/// Replaces calls by the bodies of the functions called, with registers, labels and local variables of their own. A kernel is then one
/// straight method, and a thread that waits inside a function needs no stack.
/// </summary>
internal sealed class FunctionInliner
{
    private const int MaxInstructions = 200_000;

    private readonly PtxModule _module;
    private readonly FlatKernel _flat;
    private readonly Stack<string> _active = new();
    private int _calls;

    private FunctionInliner(PtxModule module, PtxFunction entry) => (_module, _flat) = (module, new FlatKernel(entry));

    public static FlatKernel Flatten(PtxModule module, PtxFunction entry)
    {
        var inliner = new FunctionInliner(module, entry);
        inliner.Append(entry, new Instance("", null));
        return inliner._flat;
    }

    private void Append(PtxFunction function, Instance instance)
    {
        _active.Push(function.Name);
        ILookup<int, string> labels = function.Labels.ToLookup(pair => pair.Value, pair => pair.Key);
        for (int i = 0; i <= function.Body.Count; i++)
        {
            foreach (string label in labels[i])
                _flat.Labels.Add(instance.Label(label), _flat.Body.Count);
            if (i == function.Body.Count)
                break;
            PtxInstruction instruction = instance.Map(function.Body[i]);
            if (instruction.Opcode == "call")
                Call(instruction);
            else
                _flat.Body.Add(instruction);
            if (_flat.Body.Count > MaxInstructions)
                throw new PtxException(
                    instruction.Line, $"'{_flat.Entry.Name}' has more than {MaxInstructions} instructions once calls are replaced.");
        }
        _active.Pop();
    }

    private void Call(PtxInstruction call)
    {
        if (call.Modifiers is not ([] or ["uni"]))
            throw new PtxException(call.Line, $"a modifier of '{call.Name}' is not known to the emulator.");
        string name = ((NameOperand)call.Operands[0]).Name;
        if (!_module.Functions.TryGetValue(name, out PtxFunction? callee) || !callee.HasBody)
            throw new PtxException(call.Line, $"the function '{name}' has no body in this module.");
        if (_active.Contains(name))
            throw new PtxException(call.Line, $"the function '{name}' calls itself, which the emulator does not know.");
        if (callee.Parameters.Count != call.Arguments.Length || callee.Results.Count != call.Results.Length)
            throw new PtxException(call.Line, $"the call of '{name}' has other parameters than the function.");
        var instance = new Instance($"{name}#{++_calls}:", "end");
        for (int i = 0; i < call.Arguments.Length; i++)
            instance.Bind(callee.Parameters[i], call.Arguments[i]);
        for (int i = 0; i < call.Results.Length; i++)
            instance.Bind(callee.Results[i], call.Results[i]);
        string end = instance.Label("end");
        if (call.Guard is { } guard)
            _flat.Body.Add(new("bra", [], [new NameOperand(end)], guard with { Negated = !guard.Negated }, call.Line, call.Source));
        Append(callee, instance);
        _flat.Labels.Add(end, _flat.Body.Count);
    }

    /// <summary>One use of a function: what its registers, variables and labels are called there.</summary>
    private sealed class Instance(string prefix, string? returnLabel)
    {
        private readonly Dictionary<PtxRegister, PtxRegister> _registers = [];
        private readonly Dictionary<PtxVariable, PtxVariable> _variables = [];

        public string Label(string name) => prefix + name;

        public void Bind(PtxVariable formal, PtxVariable actual) => _variables.Add(formal, actual);

        public PtxInstruction Map(PtxInstruction instruction)
        {
            if (returnLabel is null)
                return instruction;
            if (instruction.Opcode == "ret")
                return new("bra", [], [new NameOperand(Label(returnLabel))], Guard(instruction), instruction.Line, instruction.Source);
            return instruction with
            {
                Operands = [.. instruction.Operands.Select(operand => Map(operand, instruction.Opcode))],
                Guard = Guard(instruction),
                Results = [.. instruction.Results.Select(Variable)],
                Arguments = [.. instruction.Arguments.Select(Variable)],
            };
        }

        private RegisterOperand? Guard(PtxInstruction instruction) =>
            instruction.Guard is { } guard ? guard with { Register = Register(guard.Register) } : null;

        private PtxOperand Map(PtxOperand operand, string opcode) => operand switch
        {
            RegisterOperand register => register with { Register = Register(register.Register) },
            VariableOperand variable => variable with { Variable = Variable(variable.Variable) },
            AddressOperand address => address with
            {
                Register = address.Register is null ? null : Register(address.Register),
                Variable = address.Variable is null ? null : Variable(address.Variable),
            },
            VectorOperand vector => new VectorOperand([.. vector.Elements.Select(element => Map(element, opcode))]),
            PairOperand pair => new PairOperand(Map(pair.First, opcode), Map(pair.Second, opcode)),
            NameOperand label when opcode != "call" => new NameOperand(Label(label.Name)),
            _ => operand,
        };

        private PtxRegister Register(PtxRegister register)
        {
            if (!_registers.TryGetValue(register, out PtxRegister? mine))
                _registers.Add(register, mine = new PtxRegister(prefix + register.Name, register.Type));
            return mine;
        }

        private PtxVariable Variable(PtxVariable variable)
        {
            if (variable.Space is not (PtxSpace.Local or PtxSpace.Parameter))
                return variable;
            if (!_variables.TryGetValue(variable, out PtxVariable? mine))
                _variables.Add(variable, mine = variable with { Name = prefix + variable.Name });
            return mine;
        }
    }
}
