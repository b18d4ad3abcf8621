namespace Andrea.Data.Corpus;

/// <summary>Named rules, each with alternatives to choose from; the text that the built-in corpus is made of.</summary>
/// <remarks>
/// Source format: <c>= name</c> begins a rule whose alternatives are the lines below it; <c>~ name</c> one whose alternatives are comma
/// separated words. In an alternative <c>{x}</c> stands for rule or variable x, <c>{X}</c> for the same with a capital letter,
/// <c>{x=rule}</c> remembers what the rule gave as variable x, and a word before the name inflects: <c>{a x}</c> adds a or an,
/// <c>{s x}</c> makes the plural, <c>{ed x}</c>, <c>{es x}</c> and <c>{ing x}</c> verb forms.
/// </remarks>
internal sealed class Grammar
{
    private readonly Dictionary<string, Template[]> _rules = new(StringComparer.Ordinal);

    public Grammar(params ReadOnlySpan<string> sources)
    {
        foreach (string source in sources)
            Read(source);
    }

    /// <summary>Names of all rules, in no particular order.</summary>
    public IReadOnlyCollection<string> Names => _rules.Keys;

    public bool Contains(string rule) => _rules.ContainsKey(rule);

    public Template[] AlternativesOf(string rule) => _rules.TryGetValue(rule, out Template[]? alternatives)
        ? alternatives
        : throw new KeyNotFoundException($"The corpus grammar has neither a rule nor a variable named '{rule}'.");

    private void Read(string source)
    {
        string? name = null;
        bool words = false;
        var alternatives = new List<Template>();
        foreach (string rawLine in source.Split('\n'))
        {
            string line = rawLine.Trim();
            if (line.Length == 0)
                continue;
            if (line.StartsWith("= ", StringComparison.Ordinal) || line.StartsWith("~ ", StringComparison.Ordinal))
            {
                Add(name, alternatives);
                name = line[2..];
                words = line[0] == '~';
            }
            else if (words)
            {
                foreach (string word in line.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                    alternatives.Add(Template.Parse(word));
            }
            else
            {
                alternatives.Add(Template.Parse(line));
            }
        }
        Add(name, alternatives);
    }

    private void Add(string? name, List<Template> alternatives)
    {
        if (name is null)
            return;
        if (alternatives.Count == 0)
            throw new FormatException($"The corpus rule '{name}' has no alternative.");
        _rules.Add(name, [.. alternatives]);
        alternatives.Clear();
    }
}

/// <summary>How a slot changes the text put into it.</summary>
internal enum Inflection
{
    None,
    Article,
    Plural,
    Past,
    ThirdPerson,
    Gerund,
}

/// <summary>One piece of a template: fixed text, or a slot that names a rule or variable.</summary>
/// <param name="Literal">The fixed text, or null for a slot.</param>
/// <param name="Name">The rule or variable of a slot.</param>
/// <param name="Variable">The variable that remembers what the slot gave, or null.</param>
/// <param name="Inflection">How the slot's text is changed.</param>
/// <param name="Capital">Whether the slot's text gets a capital letter.</param>
internal readonly record struct TemplatePart(string? Literal, string Name, string? Variable, Inflection Inflection, bool Capital);

/// <summary>One alternative of a rule, cut into its parts.</summary>
internal sealed class Template
{
    private Template(TemplatePart[] parts) => Parts = parts;

    public TemplatePart[] Parts { get; }

    /// <summary>Whether a slot names this rule or variable.</summary>
    public bool Uses(string name) => Array.Exists(Parts, part => part.Literal is null && part.Name == name);

    public static Template Parse(string text)
    {
        var parts = new List<TemplatePart>();
        int position = 0;
        while (position < text.Length)
        {
            int open = text.IndexOf('{', position);
            if (open < 0)
                open = text.Length;
            if (open > position)
                parts.Add(new TemplatePart(text[position..open], "", null, Inflection.None, false));
            if (open == text.Length)
                break;
            int close = text.IndexOf('}', open);
            if (close < 0)
                throw new FormatException($"The corpus template '{text}' opens a slot at {open} and never closes it.");
            parts.Add(ParseSlot(text[(open + 1)..close]));
            position = close + 1;
        }
        return new Template([.. parts]);
    }

    private static TemplatePart ParseSlot(string slot)
    {
        bool capital = char.IsUpper(slot[0]);
        slot = char.ToLowerInvariant(slot[0]) + slot[1..];
        int space = slot.IndexOf(' ');
        string prefix = space < 0 ? "" : slot[..space];
        string name = slot[(space + 1)..];
        int equals = name.IndexOf('=');
        string? variable = equals < 0 ? null : name[..equals];
        Inflection inflection = prefix switch
        {
            "" => Inflection.None,
            "a" => Inflection.Article,
            "s" => Inflection.Plural,
            "ed" => Inflection.Past,
            "es" => Inflection.ThirdPerson,
            "ing" => Inflection.Gerund,
            _ => throw new FormatException($"The corpus slot '{slot}' begins with '{prefix}'; expected a, s, ed, es or ing."),
        };
        return new TemplatePart(null, name[(equals + 1)..], variable, inflection, capital);
    }
}
