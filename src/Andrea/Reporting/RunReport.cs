using System.Text;

namespace Andrea.Reporting;

/// <summary>Writes report.html: what happened in a run, or how several compare, in one file that any browser opens without a network.</summary>
/// <remarks>
/// <code>
/// RunReport.Write("runs/book");                                                      // runs/book/report.html
/// RunReport.Write("compare.html", RunData.Read("runs/a"), RunData.Read("runs/b"));
/// </code>
/// </remarks>
public static class RunReport
{
    /// <summary>Name of the file in a run's folder.</summary>
    public const string FileName = "report.html";

    /// <summary>Writes a run's report into its folder.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static string Write(string runFolder)
    {
        RunData run = RunData.Read(runFolder);
        string path = Path.Combine(runFolder, FileName);
        Write(path, run);
        return path;
    }

    /// <summary>Writes one page about one run or several.</summary>
    /// <param name="path">The file; replaced in one piece, so that a reader never sees half of it. Its folder must exist.</param>
    /// <param name="runs">One or more.</param>
    /// <exception cref="ArgumentException">There is no run.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void Write(string path, params IReadOnlyList<RunData> runs)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string html = RunPage.Html(runs, live: false);
        string temporary = path + ".tmp";
        File.WriteAllText(temporary, html, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        File.Move(temporary, path, overwrite: true);
    }
}
