using static Andrea.Data.Corpus.English;

namespace Andrea.Data.Corpus;

/// <summary>Writes list-structured repository notes: changelogs, READMEs, task lists, function notes, commit logs, issues, settings.</summary>
internal static class NoteWriter
{
    private static readonly string[] Labels = ["bug", "docs", "speed", "question", "good first issue", "windows", "tests"];

    private static readonly string[] Sections = ["added", "fixed", "changed", "removed"];

    public static Grammar Grammar { get; } = new(WordRules.Text, NoteRules.Text);

    public static void Write(Composer composer)
    {
        composer["project"] = composer.Expand("project_new");
        composer["tool"] = composer.Expand("project_last");
        switch (composer.Between(0, 7))
        {
            case 0:
            case 1:
                Changelog(composer);
                break;
            case 2:
                Readme(composer);
                break;
            case 3:
                TaskList(composer);
                break;
            case 4:
                FunctionNotes(composer);
                break;
            case 5:
                CommitLog(composer);
                break;
            case 6:
                Issue(composer);
                break;
            default:
                Settings(composer);
                break;
        }
    }

    private static void Changelog(Composer composer)
    {
        composer.Say($"# Changelog of {composer["project"]}\n");
        int major = composer.Between(0, 4), minor = composer.Between(2, 19), year = composer.Between(2012, 2025), month = composer.Between(1, 12);
        for (int releases = composer.Between(1, 3); releases > 0; releases--)
        {
            int patch = composer.Between(0, 6);
            composer.Say(Invariant($"\n## {major}.{minor}.{patch} - {year}-{month:00}-{composer.Between(1, 28):00}\n"));
            foreach (string section in composer.PickSeveral(Sections, composer.Between(1, 4)))
                Section(composer, section);
            minor--;
            month -= composer.Between(1, 3);
            if (month < 1)
                (year, month) = (year - 1, month + 12);
        }
    }

    private static void Section(Composer composer, string rule)
    {
        composer.Say($"### {Capitalise(rule)}\n");
        Bullets(composer, rule, composer.Between(1, 4));
    }

    private static void Bullets(Composer composer, string rule, int count)
    {
        for (int i = 0; i < count; i++)
        {
            composer.Say("- ").Write(rule);
            if (composer.Chance(20))
                composer.Say(Invariant($" (#{composer.Between(2, 1900)})"));
            composer.Say("\n");
        }
    }

    private static void Readme(Composer composer)
    {
        composer.Say($"# {composer["project"]}\n").Write("tagline").Say("\n\n## Features\n");
        Bullets(composer, "feature", composer.Between(2, 5));
        composer.Say("\n## How to use it\n");
        int steps = composer.Between(2, 4);
        for (int step = 1; step <= steps; step++)
            composer.Say(Invariant($"{step}. ")).Write("step").Say("\n");
        if (composer.Chance(60))
        {
            composer.Say("\n## Options\n");
            foreach (string option in composer.PickSeveral(OptionNames, composer.Between(2, 5)))
                composer.Say($"- `--{option}`: ").Write("argument_note").Say("\n");
        }
        if (composer.Chance(60))
            composer.Say("\n## License\n").Say(composer.Pick((string[])["MIT", "BSD", "Apache 2.0", "public domain"])).Say(", see `LICENSE`.\n");
    }

    private static IReadOnlyList<string> OptionNames { get; } =
        [.. Grammar.AlternativesOf("argument_new").Select(template => template.Parts[0].Literal!)];

    private static void TaskList(Composer composer)
    {
        composer.Say($"# TODO for {composer["project"]}\n");
        for (int groups = composer.Between(1, 3); groups > 0; groups--)
        {
            composer.Say("\n## ").Say(Capitalise(composer.Expand("part"))).Say("\n");
            for (int tasks = composer.Between(2, 6); tasks > 0; tasks--)
                composer.Say(composer.Chance(35) ? "- [x] " : "- [ ] ").Write("task").Say("\n");
        }
    }

    private static void FunctionNotes(Composer composer)
    {
        composer.Say("# ").Say(composer.Expand("file_new")).Say("\n");
        for (int functions = composer.Between(1, 4); functions > 0; functions--)
        {
            List<string> arguments = composer.PickSeveral(OptionNames, composer.Between(0, 3));
            composer.Say("\n## `").Write("function_new").Say($"({string.Join(", ", arguments)})`\n").Write("purpose").Say("\n");
            foreach (string argument in arguments)
                composer.Say($"- `{argument}`: ").Write("argument_note").Say("\n");
            composer.Say("- returns ").Write("returns").Say("\n");
            if (composer.Chance(50))
                composer.Say("- raises ").Write("raises").Say("\n");
            if (composer.Chance(50))
                composer.Say("- note: ").Write("remark").Say("\n");
        }
    }

    private static void CommitLog(Composer composer)
    {
        composer.Say($"# Last changes in {composer["project"]}\n");
        for (int commits = composer.Between(4, 10); commits > 0; commits--)
        {
            composer.Say("* ");
            for (int digit = 0; digit < 7; digit++)
                composer.Say("0123456789abcdef"[composer.Between(0, 15)].ToString());
            composer.Say(" ").Write("task").Say($" ({composer.Expand("person")})\n");
        }
    }

    private static void Issue(Composer composer)
    {
        composer.Say(Invariant($"# Issue #{composer.Between(1, 2400)}: ")).Write("problem").Say("\n");
        composer.Say($"- label: {composer.Pick(Labels)}\n- opened by ").Write("person").Say("\n- file: `").Write("file_new").Say("`\n");
        composer.Write("expected").Say("\n\nSteps:\n");
        for (int step = 1, steps = composer.Between(2, 4); step <= steps; step++)
            composer.Say(Invariant($"{step}. ")).Write("step").Say("\n");
        composer.Say("\nThe reason is that ").Write("cause").Say(".\n");
        if (composer.Chance(60))
            composer.Say("Next: ").Write("task").Say(".\n");
    }

    private static void Settings(Composer composer)
    {
        composer.Say($"# Settings of {composer["project"]}\n");
        foreach (string name in composer.PickSeveral(OptionNames, composer.Between(4, 9)))
        {
            string value = composer.Chance(60) ? composer.Expand("number") : composer.Chance(50) ? "true" : "\"" + composer.Expand("module") + "\"";
            composer.Say($"{name} = {value}");
            if (composer.Chance(50))
                composer.Say("  # ").Write("argument_note");
            composer.Say("\n");
        }
    }
}
