using Andrea.Tests.Support;

namespace Andrea.Tests.Package;

/// <summary>Both packages, packed once from what was built, and a folder outside the repository to use them in as a stranger would.</summary>
public sealed class BuiltPackages : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public BuiltPackages()
    {
        Root = SourceTree.Root();
        foreach (string project in (string[])["src/Andrea", "src/Andrea.Cli"])
            ChildProcess.Run(Root, "dotnet", "pack", project, "-c", "Release", "--no-build", "-o", Feed, "-v", "quiet", "-nologo");
        // The feed and nothing else; what Microsoft's packages are needed come from those that this repository was restored with.
        string known = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(_folder["nuget.config"], $"""
            <configuration>
              <packageSources><clear /><add key="local" value="{Feed}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="known" value="{known}" /></fallbackPackageFolders>
              <config><add key="globalPackagesFolder" value="{_folder["packages"]}" /></config>
            </configuration>
            """);
    }

    public string Root { get; }

    /// <summary>The folder with the .nupkg and .snupkg files.</summary>
    public string Feed => _folder["feed"];

    /// <summary>The one package file of that name.</summary>
    public string FileOf(string id, string extension = ".nupkg") =>
        Directory.GetFiles(Feed, $"{id}.*{extension}").Single(path => char.IsDigit(Path.GetFileName(path)[id.Length + 1]));

    /// <summary>A path in the stranger's folder.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Runs a program in the stranger's folder and gives what it printed; fails the test when the program fails.</summary>
    public string Run(string program, params string[] arguments) => ChildProcess.Run(_folder.Path, program, arguments);

    public void Dispose() => _folder.Dispose();
}
