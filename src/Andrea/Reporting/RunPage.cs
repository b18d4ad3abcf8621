using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Reporting;

/// <summary>The page that shows runs: one HTML file with everything in it, which asks the network for nothing.</summary>
/// <remarks>
/// What runs say, names and samples included, is data in a JSON block, whose markup characters are escaped, and reaches the screen as text only. The page's content
/// security policy allows its own scripts and styles, by their hash, and nothing else; a live page may also talk to the server that it came from.
/// </remarks>
internal static class RunPage
{
    /// <summary>Makes the page.</summary>
    /// <param name="runs">What to show; several are laid over each other.</param>
    /// <param name="live">Whether the page shall follow the runs: it then opens <c>/events/ID</c> and reads <c>/data/ID</c>, see the remarks.</param>
    /// <param name="hasIndex">Whether the server has a list of runs at <c>/</c>, to lead back to.</param>
    /// <param name="note">What the page says of itself beside its title.</param>
    /// <returns>HTML, to be sent or stored as UTF-8.</returns>
    /// <exception cref="ArgumentException">There is no run.</exception>
    /// <remarks>
    /// A live page takes server-sent events from <c>/events/ID?metrics=BYTES&amp;gradients=BYTES</c>, or <c>/events/ID?after=LAST-ID</c> when it had closed the stream, where the numbers say up to where of metrics.jsonl and
    /// gradients.jsonl it has been told: <c>metrics</c> and <c>gradients</c> each with one new line of that file, and <c>reset</c>, at which it reads
    /// <c>/data/ID</c>, the JSON of <see cref="RunData.WriteJson"/>, anew. An <c>id:</c> of the
    /// server's choosing with each event comes back as <c>Last-Event-ID</c> when the browser reconnects. Lines that the page knows already do no harm. ID is the run's name; where two runs
    /// of a page have the same, the second is "NAME (2)".
    /// </remarks>
    public static string Html(IReadOnlyList<RunData> runs, bool live, bool hasIndex = false, string? note = null)
    {
        ArgumentNullException.ThrowIfNull(runs);
        if (runs.Count == 0)
            throw new ArgumentException("There is no run to show. Pass one or more.", nameof(runs));
        string script = $"/*!\n{PageAssets.Notice}\n*/\n'use strict';\n{PageAssets.Script}{(live ? PageAssets.LiveScript : "")}";
        string policy = $"default-src 'none'; script-src '{Hash(script)}'; style-src '{Hash(PageAssets.Style)}'; img-src data:; "
            + $"connect-src {(live ? "'self'" : "'none'")}; base-uri 'none'; form-action 'none'";
        var parts = new Dictionary<string, string>
        {
            ["policy"] = policy,
            ["title"] = Escape(string.Join(", ", Ids(runs))),
            ["style"] = PageAssets.Style,
            ["data"] = Data(runs, live, hasIndex, note),
            ["script"] = script,
        };
        return Fill(PageAssets.Template, parts);
    }

    /// <summary>Puts parts in the place of {{name}}; what the parts hold is not looked at again.</summary>
    private static string Fill(string template, Dictionary<string, string> parts)
    {
        var page = new StringBuilder();
        int at = 0;
        for (int open; (open = template.IndexOf("{{", at, StringComparison.Ordinal)) >= 0;)
        {
            int close = template.IndexOf("}}", open, StringComparison.Ordinal);
            page.Append(template, at, open - at).Append(parts[template[(open + 2)..close]]);
            at = close + 2;
        }
        return page.Append(template, at, template.Length - at).ToString();
    }

    private static string Data(IReadOnlyList<RunData> runs, bool live, bool hasIndex, string? note)
    {
        var buffer = new ArrayBufferWriter<byte>();
        // The default encoder escapes <, >, & and the line separators, so the block can neither end early nor hold a comment.
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteBoolean("home", hasIndex);
            json.WriteString("note", note);
            json.WriteStartObject("defaults");
            json.WritePropertyName("diagnosis");
            JsonSerializer.Serialize(json, new GradientDiagnosisOptions(), SettingsJson.Default.GradientDiagnosisOptions);
            json.WritePropertyName("monitor");
            JsonSerializer.Serialize(json, new GradientMonitorOptions(), SettingsJson.Default.GradientMonitorOptions);
            json.WriteEndObject();
            json.WriteStartArray("runs");
            foreach ((RunData run, string id) in runs.Zip(Ids(runs)))
                run.WriteJson(json, id, live);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static List<string> Ids(IReadOnlyList<RunData> runs)
    {
        var ids = new List<string>();
        foreach (RunData run in runs)
        {
            string id = run.Name;
            for (int number = 2; ids.Contains(id); number++)
                id = FormattableString.Invariant($"{run.Name} ({number})");
            ids.Add(id);
        }
        return ids;
    }

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Escape(string text) => System.Net.WebUtility.HtmlEncode(text);
}
