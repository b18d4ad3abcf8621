using System.Net;
using System.Text;
using System.Text.Json;
using Andrea.Cli.Rendering;
using Andrea.Reporting;

namespace Andrea.Cli.Live;

/// <summary>The pages that the server sends.</summary>
internal static class LivePages
{
    /// <summary>What an index may do: nothing but have a style.</summary>
    public const string IndexPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>What a run's page may do; the page itself allows less, its own scripts and styles only, by their hash.</summary>
    public const string RunPolicy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>The list of runs, which loads itself anew.</summary>
    public static string Index(IReadOnlyList<(string Name, string Folder)> runs)
    {
        var rows = new StringBuilder();
        foreach ((string name, string folder) in runs)
        {
            string progress = RunFiles.LastStep(folder) is { } last ? FormattableString.Invariant($"<td>{last.Step}<td>{Units.Value(last.Loss)}") : "<td><td>";
            rows.Append($"<tr><td><a href=\"/run/{Uri.EscapeDataString(name)}\">{WebUtility.HtmlEncode(name)}</a>{progress}\n");
        }
        string table = runs.Count == 0
            ? "<p>There is no run yet. It appears here when it begins."
            : $"<table><tr><th>run<th>step<th>loss\n{rows}</table>";
        string compare = runs.Count > 1 ? "<p><a href=\"/compare\">All in one page</a>" : "";
        return $$"""
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="refresh" content="5">
            <title>Runs - Andrea</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0}
            td+td,th+th{text-align:right;font-variant-numeric:tabular-nums}</style>
            <h1>Runs</h1>
            {{table}}
            {{compare}}
            </html>
            """;
    }

    /// <summary>The page of one run, or of several in one.</summary>
    /// <param name="folders">Their folders.</param>
    /// <param name="mostLive">The page follows so many runs from here on; of more than that it shows what they are now, and says so.</param>
    /// <param name="hasIndex">Whether there is a list of runs to lead back to.</param>
    public static string Runs(IReadOnlyList<string> folders, int mostLive, bool hasIndex)
    {
        bool live = folders.Count <= mostLive;
        string? note = live ? null : $"Not followed, since there are more than {mostLive} runs; reload the page to see news";
        return RunPage.Html([.. folders.Select(RunData.Read)], live, hasIndex, note);
    }

    /// <summary>What a run's page shows, as JSON, with the place in the files up to which it is told.</summary>
    public static byte[] Data(string folder)
    {
        using var stream = new MemoryStream();
        RunData run = RunData.Read(folder);
        using (var json = new Utf8JsonWriter(stream))
            run.WriteJson(json, run.Name, live: true);
        return stream.ToArray();
    }
}
