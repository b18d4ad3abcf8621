namespace Andrea.Data.Corpus;

/// <summary>Writes short stories: someone wants something, something is in the way, somebody helps, something has changed.</summary>
internal static class StoryWriter
{
    public static Grammar Grammar { get; } = new(WordRules.Text, StoryRules.Text, QuestRules.Text, EncounterRules.Text);

    /// <summary>Paragraphs of sentences of each plot.</summary>
    internal static string[][][] Plots { get; } =
        [.. PlotRules.Text.Split('\n').Select(line => line.Split('/').Select(Sentences).ToArray())];

    public static void Write(Composer composer)
    {
        Cast(composer);
        foreach (string[] paragraph in composer.Pick(Plots))
            WriteParagraph(composer, paragraph);
    }

    private static string[] Sentences(string paragraph) => paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static void WriteParagraph(Composer composer, string[] sentences)
    {
        string separator = "";
        foreach (string sentence in sentences)
        {
            bool optional = sentence[^1] == '?';
            if (optional && composer.Chance(50))
                continue;
            composer.Say(separator).Write(optional ? sentence[..^1] : sentence);
            separator = " ";
        }
        composer.Say("\n");
    }

    /// <summary>Names who and what recurs in the story.</summary>
    private static void Cast(Composer composer)
    {
        bool animals = composer.Chance(30);
        Name(composer, "hero", composer.Chance(50), "he", "him", "his", "himself");
        Name(composer, "friend", composer.Chance(50), "fhe", "fhim", "fhis", "fhimself");
        composer["who"] = composer.Expand(animals ? "who_animal" : "who_new");
        composer["fwho"] = composer.Expand(animals && composer.Chance(60) ? "who_animal" : "fwho_new");
        composer["home"] = composer.Expand("home_new");
        composer["open"] = composer.Expand(animals ? "open_animal" : "open_new");
        composer.Bind("obj", "object");
        composer.Bind("thing", "thing_new");
        composer.Bind("goal", "place");
    }

    private static void Name(Composer composer, string role, bool female, string he, string him, string his, string himself)
    {
        composer.Bind(role, female ? "her_name" : "his_name");
        composer[he] = female ? "she" : "he";
        composer[him] = female ? "her" : "him";
        composer[his] = female ? "her" : "his";
        composer[himself] = female ? "herself" : "himself";
    }
}
