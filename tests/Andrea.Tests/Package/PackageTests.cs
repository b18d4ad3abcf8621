using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace Andrea.Tests.Package;

/// <summary>What is in the packages, and that a project outside the repository can use them.</summary>
public class PackageTests(BuiltPackages packages) : IClassFixture<BuiltPackages>
{
    private const long Megabyte = 1_000_000;

    [Fact]
    public void Library_Package_IsSmallManagedAndComplete()
    {
        string path = packages.FileOf("Andrea");
        Assert.InRange(new FileInfo(path).Length, 1, Megabyte);
        using ZipArchive archive = ZipFile.OpenRead(path);
        string[] files = [.. archive.Entries.Select(entry => entry.FullName)];
        foreach (string file in (string[])["README.md", "LICENSE", "icon.png", "lib/net10.0/Andrea.dll", "lib/net10.0/Andrea.xml"])
            Assert.Contains(file, files);
        // Its own assembly and no other binary, managed or native.
        Assert.Equal(["lib/net10.0/Andrea.dll"], files.Where(file => Path.GetExtension(file) is ".dll" or ".so" or ".dylib" or ".exe" or ".a"));
        Assert.DoesNotContain(files, file => file.StartsWith("runtimes/", StringComparison.Ordinal));
        using var image = new PEReader([.. Bytes(archive.GetEntry("lib/net10.0/Andrea.dll")!)]);
        Assert.Contains(image.ReadDebugDirectory(), entry => entry.Type == DebugDirectoryEntryType.Reproducible);
        using ZipArchive symbols = ZipFile.OpenRead(packages.FileOf("Andrea", ".snupkg"));
        Assert.NotNull(symbols.GetEntry("lib/net10.0/Andrea.pdb"));
    }

    [Fact]
    public void Library_Package_DependsOnMicrosoftAlone()
    {
        XElement metadata = Metadata(packages.FileOf("Andrea"));
        string[] dependencies = [.. metadata.Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => e.Attribute("id")!.Value)];
        Assert.All(dependencies, id => Assert.True(
            id.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal) || id.StartsWith("System.", StringComparison.Ordinal), $"{id} is not Microsoft's."));
        foreach (string name in (string[])["id", "version", "description", "license", "readme", "icon", "tags"])
            Assert.NotEqual("", metadata.Elements().Single(e => e.Name.LocalName == name).Value);
    }

    [Fact]
    public void Library_Package_TrainsInAProjectOfAStranger()
    {
        Directory.CreateDirectory(packages["loop"]);
        File.WriteAllText(packages["loop/loop.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup><PackageReference Include="Andrea" Version="{VersionOf("Andrea")}" /></ItemGroup>
            </Project>
            """);
        File.Copy(Path.Combine(packages.Root, "samples/OwnLoop/Program.cs"), packages["loop/Program.cs"]);
        packages.Run("dotnet", "build", "loop", "-c", "Release", "-o", packages["bin"], "-v", "quiet", "-nologo");
        Assert.StartsWith("loss 0.000", packages.Run("dotnet", packages["bin/loop.dll"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Tool_Package_InstallsTheCommand()
    {
        packages.Run("dotnet", "tool", "install", "Andrea.Cli", "--version", VersionOf("Andrea.Cli"), "--tool-path", packages["tools"], "--configfile", packages["nuget.config"]);
        string andrea = packages[OperatingSystem.IsWindows() ? "tools/andrea.exe" : "tools/andrea"];
        Assert.StartsWith(VersionOf("Andrea.Cli"), packages.Run(andrea, "--version"), StringComparison.Ordinal);
        Assert.Contains("CUDA", packages.Run(andrea, "doctor"), StringComparison.Ordinal);
    }

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }

    private string VersionOf(string id) => Metadata(packages.FileOf(id)).Elements().Single(e => e.Name.LocalName == "version").Value;

    private static XElement Metadata(string package)
    {
        using ZipArchive archive = ZipFile.OpenRead(package);
        using Stream stream = archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Root!.Elements().Single();
    }
}
