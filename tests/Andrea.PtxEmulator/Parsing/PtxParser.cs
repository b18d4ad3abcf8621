namespace Andrea.PtxEmulator.Parsing;

/// <summary>Parses a PTX text: the directives of the module; function bodies are <see cref="PtxBodyParser"/>'s.</summary>
internal sealed class PtxParser(string text)
{
    private readonly PtxTokenReader _reader = new(PtxLexer.Tokens(text));
    private readonly PtxModule _module = new();

    public PtxModule ParseModule()
    {
        if (!_reader.Is(".version"))
            throw _reader.Error($"the text does not begin with .version but with {_reader.Peek}; is it PTX?");
        while (_reader.Peek.Kind != PtxTokenKind.End)
            ParseDirective();
        return _module;
    }

    private void ParseDirective()
    {
        int line = _reader.Line;
        string directive = _reader.Word();
        switch (directive)
        {
            case ".version":
                _reader.Word();
                break;
            case ".target":
                _module.Target = _reader.Word();
                while (_reader.TryTake(","))
                    _reader.Word();
                break;
            case ".address_size":
                if (_reader.SmallInteger() != 64)
                    throw new PtxException(line, "only 64-bit addresses are known to the emulator.");
                break;
            case ".visible" or ".weak":
                break;
            case ".extern":
                ParseExtern(line);
                break;
            case ".entry":
                ParseFunction(isEntry: true, line);
                break;
            case ".func":
                ParseFunction(isEntry: false, line);
                break;
            case ".global" or ".const" or ".shared":
                Declare(PtxVariableParser.Parse(_reader, directive, isExtern: false), line);
                break;
            case ".file":
                _module.Files[_reader.SmallInteger()] = _reader.QuotedText();
                _reader.SkipLine(line);
                break;
            case ".pragma":
                _reader.QuotedText();
                _reader.Expect(";");
                break;
            case ".section":
                _reader.Word();
                _reader.SkipBraces();
                break;
            default:
                throw new PtxException(line, $"the directive '{directive}' is not known to the emulator.");
        }
    }

    private void ParseExtern(int line)
    {
        string directive = _reader.Word();
        if (directive != ".shared")
            throw new PtxException(line, $".extern {directive} needs a linker, which the emulator has not; only .extern .shared is known.");
        Declare(PtxVariableParser.Parse(_reader, directive, isExtern: true), line);
    }

    private void Declare(List<PtxVariable> variables, int line)
    {
        foreach (PtxVariable variable in variables)
            if (!_module.Variables.TryAdd(variable.Name, variable))
                throw new PtxException(line, $"the variable '{variable.Name}' is declared twice.");
    }

    private void ParseFunction(bool isEntry, int line)
    {
        List<PtxVariable> results = !isEntry && _reader.Is("(") ? ParseParameters() : [];
        string name = _reader.Word();
        var function = new PtxFunction(name, isEntry, line);
        function.Results.AddRange(results);
        if (_reader.Is("("))
            function.Parameters.AddRange(ParseParameters());
        ParseTuning(function);
        if (_module.Functions.TryGetValue(name, out PtxFunction? declared) && declared.HasBody)
            throw new PtxException(line, $"the function '{name}' is defined twice.");
        _module.Functions[name] = function;
        if (_reader.TryTake(";"))
            return;
        function.HasBody = true;
        new PtxBodyParser(_reader, _module, function).Parse();
    }

    private List<PtxVariable> ParseParameters()
    {
        var parameters = new List<PtxVariable>();
        _reader.Expect("(");
        while (!_reader.TryTake(")"))
        {
            if (!_reader.TryTake(".param"))
                throw _reader.Error($"expected .param, found {_reader.Peek}.");
            parameters.Add(PtxVariableParser.ParseOne(_reader, PtxSpace.Parameter));
            if (!_reader.Is(")"))
                _reader.Expect(",");
        }
        return parameters;
    }

    private void ParseTuning(PtxFunction function)
    {
        while (_reader.Peek.Kind == PtxTokenKind.Word)
        {
            int line = _reader.Line;
            string directive = _reader.Word();
            switch (directive)
            {
                case ".maxntid":
                    function.MaxThreads = Product(ParseSizes());
                    break;
                case ".reqntid":
                    (int X, int Y, int Z) required = ParseSizes();
                    (function.RequiredThreads, function.MaxThreads) = (required, Product(required));
                    break;
                case ".minnctapersm" or ".maxnreg":
                    _reader.SmallInteger();
                    break;
                case ".noreturn":
                    break;
                default:
                    throw new PtxException(line, $"the directive '{directive}' is not known to the emulator.");
            }
        }
    }

    private (int X, int Y, int Z) ParseSizes()
    {
        int x = _reader.SmallInteger();
        int y = _reader.TryTake(",") ? _reader.SmallInteger() : 1;
        int z = _reader.TryTake(",") ? _reader.SmallInteger() : 1;
        return (x, y, z);
    }

    private static int Product((int X, int Y, int Z) size) => checked(size.X * size.Y * size.Z);
}
