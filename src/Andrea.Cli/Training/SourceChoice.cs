using System.Globalization;
using Andrea.Data;

namespace Andrea.Cli.Training;

/// <summary>A named source as it was given: NAME=PATH or NAME=PATH:FLOOR.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">Full path of a file or folder.</param>
/// <param name="Floor">Least weight in the curriculum; null if none was given. Not kept with the data, but with the curriculum.</param>
internal sealed record SourceChoice(string Name, string Path, [property: System.Text.Json.Serialization.JsonIgnore] double? Floor = null)
{
    /// <summary>Reads what stands after --source.</summary>
    /// <param name="text">The text.</param>
    /// <param name="mistake">What is wrong with it; null if nothing is.</param>
    public static SourceChoice? Parse(string text, out string? mistake)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? "" : text[..equals], path = text[(equals + 1)..];
        double? floor = null;
        // What follows the last colon is a floor if it is a number; else the colon is part of the path, as in C:\books.
        int colon = path.LastIndexOf(':');
        if (colon >= 0 && double.TryParse(path.AsSpan(colon + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
            (path, floor) = (path[..colon], number);
        mistake = 0 switch
        {
            _ when equals < 0 || path.Trim().Length == 0 => $"'{text}' is not a value of --source; expected NAME=PATH or NAME=PATH:FLOOR, such as prose=books/:0.5",
            _ when !NamedText.IsName(name) => $"A source cannot be named '{name}'; use letters, digits, '-', '_' and '.', such as prose=books/",
            _ when floor is not (null or (>= 0 and <= 1)) => $"The floor in '{text}' is not a weight; expected a number from 0 to 1, such as 0.5",
            _ => null,
        };
        return mistake is null ? new SourceChoice(name, path == "-" ? path : System.IO.Path.GetFullPath(path), floor) : null;
    }
}
