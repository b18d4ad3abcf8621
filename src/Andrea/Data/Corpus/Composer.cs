using System.Text;
using Andrea.Numerics;

namespace Andrea.Data.Corpus;

/// <summary>Writes one document of the built-in corpus: makes the choices, remembers names and things, and keeps the text.</summary>
/// <remarks>Every choice comes from one <see cref="Philox"/> stream, so a document is a pure function of that stream.</remarks>
internal sealed class Composer(Grammar grammar, Philox random)
{
    private const int RedrawLimit = 24;

    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _lastChoice = new(StringComparer.Ordinal);
    private Philox _random = random;

    private bool _friendMentioned, _friendIntroduced;

    /// <summary>The document so far.</summary>
    public StringBuilder Text { get; } = new();

    public string this[string variable]
    {
        get => _variables[variable];
        set => _variables[variable] = value;
    }

    /// <summary>A whole number from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public int Between(int first, int last) => first + _random.NextInt32(last - first + 1);

    public bool Chance(int percent) => _random.NextInt32(100) < percent;

    public T Pick<T>(IReadOnlyList<T> items) => items[_random.NextInt32(items.Count)];

    /// <summary>Several different items, in random order.</summary>
    public List<T> PickSeveral<T>(IReadOnlyList<T> items, int count)
    {
        var rest = new List<T>(items);
        var picked = new List<T>(count);
        while (picked.Count < count && rest.Count > 0)
        {
            int index = _random.NextInt32(rest.Count);
            picked.Add(rest[index]);
            rest[index] = rest[^1];
            rest.RemoveAt(rest.Count - 1);
        }
        return picked;
    }

    /// <summary>Remembers what a rule gives under a name; drawn again as long as another variable holds the same.</summary>
    public string Bind(string variable, string rule)
    {
        _variables.Remove(variable);
        string value = Expand(rule);
        for (int i = 0; i < RedrawLimit && _variables.ContainsValue(value); i++)
            value = Expand(rule);
        return _variables[variable] = value;
    }

    /// <summary>What a rule or variable gives, as text.</summary>
    public string Expand(string name)
    {
        if (_variables.TryGetValue(name, out string? value))
            return value;
        Template[] alternatives = grammar.AlternativesOf(name);
        Template template = alternatives[Choose(name, alternatives.Length)];
        for (int i = 0; i < RedrawLimit && !KnowsThePeople(template); i++)
            template = alternatives[Choose(name, alternatives.Length)];
        _friendIntroduced |= template.Uses("fwho");
        _friendMentioned |= template.Uses("friend");
        return Fill(template);
    }

    /// <summary>Writes what a rule or variable gives.</summary>
    public Composer Write(string name)
    {
        Text.Append(Expand(name));
        return this;
    }

    /// <summary>Writes fixed text.</summary>
    public Composer Say(string text)
    {
        Text.Append(text);
        return this;
    }

    /// <summary>Whether the friend is introduced (fwho) at most once, and spoken of only afterwards, as far as there is a choice.</summary>
    private bool KnowsThePeople(Template template) =>
        template.Uses("fwho") ? !_friendIntroduced : _friendMentioned || !template.Uses("friend");

    private string Fill(Template template)
    {
        if (template.Parts is [{ Literal: { } only }])
            return only;
        var text = new StringBuilder();
        foreach (TemplatePart part in template.Parts)
            text.Append(part.Literal ?? FillSlot(part));
        return text.ToString();
    }

    private string FillSlot(TemplatePart part)
    {
        string value = part.Variable is null ? Expand(part.Name) : Bind(part.Variable, part.Name);
        value = part.Inflection switch
        {
            Inflection.Article => English.WithArticle(value),
            Inflection.Plural => English.Plural(value),
            Inflection.Past => English.Past(value),
            Inflection.ThirdPerson => English.ThirdPerson(value),
            Inflection.Gerund => English.Gerund(value),
            _ => value,
        };
        return part.Capital ? English.Capitalise(value) : value;
    }

    /// <summary>Chooses an alternative, never the same twice in a row within a document.</summary>
    private int Choose(string rule, int count)
    {
        if (count == 1)
            return 0;
        int choice;
        if (_lastChoice.TryGetValue(rule, out int last))
        {
            choice = _random.NextInt32(count - 1);
            if (choice >= last)
                choice++;
        }
        else
        {
            choice = _random.NextInt32(count);
        }
        _lastChoice[rule] = choice;
        return choice;
    }
}
