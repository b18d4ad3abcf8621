using System.Globalization;
using System.Text;
using Andrea.Reporting;

namespace Andrea.Cli.Lab.Runs;

/// <summary>What an experiment leaves in a folder: its table as Markdown, the curves of all runs as CSV, and a page of some of them.</summary>
internal static class LabFiles
{
    /// <summary>Writes NAME.md, NAME-loss.csv and NAME-norm.csv.</summary>
    /// <param name="folder">Made if it is not there.</param>
    /// <param name="name">The experiment.</param>
    /// <param name="table">Its table.</param>
    /// <param name="results">Its runs; a column each.</param>
    public static void Write(string folder, string name, string table, IReadOnlyList<LabResult> results)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, name + ".md"), table);
        File.WriteAllText(Path.Combine(folder, name + "-loss.csv"), Curves(results, result => result.Losses));
        File.WriteAllText(Path.Combine(folder, name + "-norm.csv"), Curves(results, result => result.Norms));
    }

    /// <summary>Writes NAME.html from the folders of those runs that have one.</summary>
    /// <returns>Whether there was one.</returns>
    public static bool WritePage(string folder, string name, IReadOnlyList<LabResult> results)
    {
        string[] folders = [.. results.Where(result => result.Arm.Folder is not null).Select(result => result.Arm.Folder!)];
        if (folders.Length == 0)
            return false;
        RunReport.Write(Path.Combine(folder, name + ".html"), [.. folders.Select(RunData.Read)]);
        return true;
    }

    /// <summary>A row for each step, a column for each run.</summary>
    private static string Curves(IReadOnlyList<LabResult> results, Func<LabResult, IReadOnlyList<double>> curve)
    {
        var text = new StringBuilder("step");
        foreach (LabResult result in results)
            text.Append(CultureInfo.InvariantCulture, $",\"{result.Arm.Name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        text.Append('\n');
        int steps = results.Select(result => curve(result).Count).DefaultIfEmpty(0).Max();
        for (int step = 0; step < steps; step++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{step + 1}");
            foreach (LabResult result in results)
                text.Append(',').Append(step < curve(result).Count ? curve(result)[step].ToString("G5", CultureInfo.InvariantCulture) : "");
            text.Append('\n');
        }
        return text.ToString();
    }
}
