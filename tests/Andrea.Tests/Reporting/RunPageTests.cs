using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Andrea.Reporting;
using Andrea.Tests.Support;

namespace Andrea.Tests.Reporting;

/// <summary>The page as a text: self-contained, with nothing of a run in it that could act as markup.</summary>
public sealed partial class RunPageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Html_PolicyAllowsItsOwnScriptAndStyleOnly(bool live)
    {
        string html = RunPage.Html([RunData.Read(PlantedRun.Write(_folder))], live);
        string script = Regex.Match(html, "<script>(.*?)</script>", RegexOptions.Singleline).Groups[1].Value;
        string style = Regex.Match(html, "<style>(.*?)</style>", RegexOptions.Singleline).Groups[1].Value;
        string policy = Regex.Match(html, "Content-Security-Policy\" content=\"(.*?)\"").Groups[1].Value;
        Assert.Equal(
            $"default-src 'none'; script-src '{Hash(script)}'; style-src '{Hash(style)}'; img-src data:; connect-src {(live ? "'self'" : "'none'")}; base-uri 'none'; form-action 'none'",
            policy);
        Assert.Equal(live, script.Contains("new EventSource", StringComparison.Ordinal));
        Assert.Contains("Copyright (c) 2022 Leon Sorokin", script, StringComparison.Ordinal);
        Assert.DoesNotContain("{{", html.Replace(script, "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Html_NamesNoOtherPlaceToLoadFrom()
    {
        string html = RunPage.Html([RunData.Read(PlantedRun.Write(_folder))], live: false);
        Assert.Equal(["href=\"#content\"", "href=\"data:,\""], Place().Matches(html).Select(match => match.Value).Order());
        Assert.InRange(html.Length, 60_000, 200_000);
    }

    [Fact]
    public void Html_WhatARunSays_IsEscaped()
    {
        string path = PlantedRun.Write(_folder, name: "<b>&name", sample: "</script><script>alert(1)</script>\u2028<!-- ");
        File.WriteAllText(Path.Combine(path, "run.json"), """{"device":"</script><i>{{script}}"}""");
        string html = RunPage.Html([RunData.Read(path)], live: false);
        Assert.DoesNotContain("alert(1)</", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<i>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("\u2028", html, StringComparison.Ordinal);
        Assert.Contains("<title>&lt;b&gt;&amp;name - Andrea</title>", html, StringComparison.Ordinal);
        Assert.Contains("{{script}}", html, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(html, "</script>"));
    }

    [Fact]
    public void Html_TwoRunsOfOneName_GetIdsOfTheirOwn()
    {
        RunData run = RunData.Read(PlantedRun.Write(_folder));
        string html = RunPage.Html([run, run, run], live: false);
        Assert.Equal(["planted", "planted (2)", "planted (3)"], Regex.Matches(html, "\"id\":\"([^\"]*)\"").Select(match => match.Groups[1].Value));
    }

    [Fact]
    public void Html_NoRun_IsRefused() => Assert.Throws<ArgumentException>(() => RunPage.Html([], live: false));

    [Fact]
    public void Write_IntoTheRunsFolder_ReplacesTheReportAndLeavesNothingElse()
    {
        string path = PlantedRun.Write(_folder);
        File.WriteAllText(Path.Combine(path, "report.html"), "old");
        string report = RunReport.Write(path);
        Assert.Equal(Path.Combine(path, "report.html"), report);
        Assert.StartsWith("<!doctype html>", File.ReadAllText(report), StringComparison.Ordinal);
        Assert.Equal(["gradients.jsonl", "metrics.jsonl", "report.html", "run.json"], Directory.GetFiles(path).Select(Path.GetFileName).Order());
    }

    private static string Hash(string text) => "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    [GeneratedRegex("""(src|href|action)="[^"]*"|@import|url\([^)]*\)""")]
    private static partial Regex Place();
}
