using System.Globalization;

namespace Andrea.PtxEmulator.Parsing;

/// <summary>Parses the body of one function: declarations in nested scopes, labels, instructions.</summary>
internal sealed class PtxBodyParser(PtxTokenReader reader, PtxModule module, PtxFunction function)
{
    private readonly Stack<Dictionary<string, object>> _scopes = new();
    private PtxSource _source;

    public void Parse()
    {
        _scopes.Push([]);
        foreach (PtxVariable variable in function.Parameters.Concat(function.Results))
            Declare(variable.Name, variable);
        ParseBlock();
    }

    private void ParseBlock()
    {
        reader.Expect("{");
        _scopes.Push([]);
        while (!reader.TryTake("}"))
        {
            if (reader.Peek.Kind == PtxTokenKind.End)
                throw reader.Error($"the body of '{function.Name}' does not end.");
            if (reader.Is("{"))
                ParseBlock();
            else
                ParseStatement();
        }
        _scopes.Pop();
    }

    private void ParseStatement()
    {
        int line = reader.Line;
        if (reader.Is("@"))
        {
            ParseInstruction(line);
            return;
        }
        string word = reader.Peek.Text;
        switch (word)
        {
            case ".reg":
                reader.Take();
                ParseRegisters();
                break;
            case ".shared" or ".local" or ".param" or ".const" or ".global":
                reader.Take();
                foreach (PtxVariable variable in PtxVariableParser.Parse(reader, word, isExtern: false))
                    Declare(variable.Name, variable);
                break;
            case ".loc":
                reader.Take();
                _source = new PtxSource(reader.SmallInteger(), reader.SmallInteger());
                reader.SkipLine(line);
                break;
            case ".pragma":
                reader.Take();
                reader.QuotedText();
                reader.Expect(";");
                break;
            default:
                if (reader.Peek.Kind != PtxTokenKind.Word || word[0] == '.')
                    throw reader.Error($"{reader.Peek} in a function is not known to the emulator.");
                ParseInstruction(line);
                break;
        }
    }

    private void ParseRegisters()
    {
        string typeName = reader.Word();
        if (!PtxType.TryParse(typeName.TrimStart('.'), out PtxType type))
            throw reader.Error($"registers of type '{typeName}' are not known to the emulator.");
        do
        {
            string name = reader.Word();
            if (!reader.TryTake("<"))
            {
                Declare(name, new PtxRegister(name, type));
                continue;
            }
            int count = reader.SmallInteger();
            reader.Expect(">");
            for (int i = 0; i < count; i++)
            {
                string numbered = name + i.ToString(CultureInfo.InvariantCulture);
                Declare(numbered, new PtxRegister(numbered, type));
            }
        }
        while (reader.TryTake(","));
        reader.Expect(";");
    }

    private void ParseInstruction(int line)
    {
        RegisterOperand? guard = null;
        if (reader.TryTake("@"))
            guard = ParseOperand() as RegisterOperand ?? throw new PtxException(line, "after '@' comes a predicate register.");
        string word = reader.Word();
        if (guard is null && reader.TryTake(":"))
        {
            if (!function.Labels.TryAdd(word, function.Body.Count))
                throw new PtxException(line, $"the label '{word}' stands twice in '{function.Name}'.");
            return;
        }
        string[] parts = word.Split('.');
        PtxInstruction instruction = new(parts[0], parts[1..], [], guard, line, _source);
        instruction = parts[0] == "call" ? ParseCall(instruction) : instruction with { Operands = ParseOperands() };
        function.Body.Add(instruction);
    }

    private PtxInstruction ParseCall(PtxInstruction call)
    {
        PtxVariable[] results = [];
        PtxVariable[] arguments = [];
        if (reader.Is("("))
        {
            results = ParseVariables();
            reader.Expect(",");
        }
        string target = reader.Word();
        if (reader.TryTake(","))
            arguments = ParseVariables();
        if (!reader.TryTake(";"))
            throw new PtxException(call.Line, $"a call of '{target}' through a pointer is not known to the emulator.");
        return call with { Operands = [new NameOperand(target)], Results = results, Arguments = arguments };
    }

    private PtxVariable[] ParseVariables()
    {
        var variables = new List<PtxVariable>();
        reader.Expect("(");
        while (!reader.TryTake(")"))
        {
            string name = reader.Word();
            variables.Add(Find(name) as PtxVariable ?? throw reader.Error($"'{name}' is no .param variable."));
            if (!reader.Is(")"))
                reader.Expect(",");
        }
        return [.. variables];
    }

    private PtxOperand[] ParseOperands()
    {
        var operands = new List<PtxOperand>();
        while (!reader.TryTake(";"))
        {
            if (operands.Count > 0)
                reader.Expect(",");
            PtxOperand operand = ParseOperand();
            operands.Add(reader.TryTake("|") ? new PairOperand(operand, ParseOperand()) : operand);
        }
        return [.. operands];
    }

    private PtxOperand ParseOperand()
    {
        if (reader.TryTake("{"))
            return ParseVector();
        if (reader.TryTake("["))
            return ParseAddress();
        if (reader.TryTake("!"))
            return ParseOperand() is RegisterOperand register
                ? register with { Negated = !register.Negated }
                : throw reader.Error("after '!' comes a predicate register.");
        if (reader.Peek.Kind == PtxTokenKind.Float)
            return new ImmediateOperand(reader.Peek.Bits, reader.Take().Width);
        if (reader.Peek.Kind != PtxTokenKind.Word)
            return new ImmediateOperand(unchecked((ulong)reader.Integer()), 0);
        return ParseName();
    }

    private PtxOperand ParseName()
    {
        if (char.IsAsciiDigit(reader.Peek.Text[0]))
            throw reader.Error($"expected an operand, found {reader.Peek}.");
        string name = reader.Word();
        if (name == "_")
            return new SinkOperand();
        switch (Find(name))
        {
            case PtxRegister register:
                return new RegisterOperand(register, false);
            case PtxVariable variable:
                return new VariableOperand(variable, reader.TryTake("+") ? reader.Integer() : 0);
        }
        if (name.StartsWith('%'))
            return SpecialRegisters.IsKnown(name)
                ? new SpecialOperand(name)
                : throw reader.Error($"the register '{name}' is neither declared nor a special register that the emulator knows.");
        return new NameOperand(name);
    }

    private VectorOperand ParseVector()
    {
        var elements = new List<PtxOperand>();
        while (!reader.TryTake("}"))
        {
            elements.Add(ParseOperand());
            if (!reader.Is("}"))
                reader.Expect(",");
        }
        return new VectorOperand([.. elements]);
    }

    private AddressOperand ParseAddress()
    {
        PtxRegister? register = null;
        PtxVariable? variable = null;
        long offset = 0;
        if (reader.Peek.Kind == PtxTokenKind.Word)
        {
            string name = reader.Word();
            object found = Find(name) ?? throw reader.Error($"'{name}' is neither a register nor a variable.");
            (register, variable) = (found as PtxRegister, found as PtxVariable);
        }
        else
            offset = reader.Integer();
        if (reader.TryTake("+"))
            offset += reader.Integer();
        else if (reader.Is("-"))
            offset += reader.Integer();
        reader.Expect("]");
        return new AddressOperand(register, variable, offset);
    }

    private object? Find(string name)
    {
        foreach (Dictionary<string, object> scope in _scopes)
            if (scope.TryGetValue(name, out object? found))
                return found;
        return module.Variables.GetValueOrDefault(name);
    }

    private void Declare(string name, object declared)
    {
        if (!_scopes.Peek().TryAdd(name, declared))
            throw reader.Error($"'{name}' is declared twice.");
    }
}
