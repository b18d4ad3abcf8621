using System.Text.Json;

namespace Andrea.Tests.Golden;

/// <summary>One file of numbers that PyTorch computed; golden_files.py says how it is built.</summary>
public sealed class GoldenFile
{
    private static readonly Dictionary<string, GoldenFile> s_loaded = [];
    private static readonly string[] Cuda = [Support.TestDevice.Emulator, Support.TestDevice.Gpu];
    private readonly JsonElement _root;

    private GoldenFile(JsonElement root)
    {
        _root = root;
        Cases = [.. root.GetProperty("cases").EnumerateArray().Select(element => new GoldenCase(element))];
    }

    public IReadOnlyList<GoldenCase> Cases { get; }

    public GoldenCase this[string name] => Cases.Single(candidate => candidate.Name == name);

    public string Text(string property) => _root.GetProperty(property).GetString()!;

    public ulong Seed => _root.GetProperty("seed").GetUInt64();

    /// <summary>The formula's first eight values for <see cref="Seed"/>, scale 2 and offset 1/4, as Python computed them.</summary>
    public float[] FormulaValues => [.. _root.GetProperty("formula").EnumerateArray().Select(value => value.GetSingle())];

    /// <summary>Reads a file from the folder Golden beside the tests. A missing one is an error, never a skipped test.</summary>
    public static GoldenFile Load(string fileName)
    {
        lock (s_loaded)
        {
            if (!s_loaded.TryGetValue(fileName, out GoldenFile? file))
            {
                string path = Path.Combine(AppContext.BaseDirectory, "Golden", fileName);
                using var document = JsonDocument.Parse(File.ReadAllBytes(path));
                s_loaded[fileName] = file = new GoldenFile(document.RootElement.Clone());
            }
            return file;
        }
    }

    /// <summary>Every backend with every case of a file, or with some of them.</summary>
    public static MatrixTheoryData<string, string> OnEveryDevice(string fileName, Func<GoldenCase, bool>? which = null) => new(
        Support.TestDevice.Names.Select(row => row.Data).Concat(Cuda),
        Load(fileName).Cases.Where(which ?? (_ => true)).Select(golden => golden.Name));

    /// <summary>Every backend once, and once with threads: for whole models, since each operation is tested with every thread count.</summary>
    public static MatrixTheoryData<string, string> OnEachBackend(string fileName) =>
        new([.. (string[])["reference", "cpu-1", "cpu-3"], .. Cuda], Load(fileName).Cases.Select(golden => golden.Name));
}
