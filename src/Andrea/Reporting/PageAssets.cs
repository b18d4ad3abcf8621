namespace Andrea.Reporting;

/// <summary>The files that the page is put together from; they are embedded into the library.</summary>
internal static class PageAssets
{
    private static readonly string[] Styles = ["uplot/uPlot.min.css", "report.css"];
    private static readonly string[] Scripts = ["uplot/uPlot.iife.min.js", "values.js", "model.js", "charts.js", "heatmap.js", "sections.js", "page.js"];

    public static string Template { get; } = Read("report.html");

    public static string Style { get; } = Join(Styles);

    public static string Script { get; } = Join(Scripts);

    public static string LiveScript { get; } = Read("live.js");

    /// <summary>uPlot's licence, which asks to be in every copy.</summary>
    public static string Notice { get; } = Read("uplot/LICENSE").Trim();

    private static string Join(string[] names) => string.Concat(names.Select(Read));

    private static string Read(string name)
    {
        using Stream stream = typeof(PageAssets).Assembly.GetManifestResourceStream("page/" + name)
            ?? throw new MissingManifestResourceException(name);
        using var reader = new StreamReader(stream);
        // Line ends as in the repository, whatever the checkout made of them: the page's hashes depend on every byte.
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    private sealed class MissingManifestResourceException(string name)
        : InvalidOperationException($"The library was built without '{name}' of the report page. Build it from a complete source tree.");
}
