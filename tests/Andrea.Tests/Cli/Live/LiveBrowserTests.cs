using Andrea.Tests.Reporting;

namespace Andrea.Tests.Cli.Live;

/// <summary>The live page in a browser, served by the live server.</summary>
public sealed class LiveBrowserTests(Chromium chromium) : IClassFixture<Chromium>
{
    private const string ChartedSteps = "andrea.chart('chart-loss').plot.data[0].length";

    [Fact]
    public async Task LivePage_WhileARunGoesOn_ShowsChartsThatGrow()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        await using WatchedPage page = await Open(host, "");
        string[] metrics = [.. PlantedRun.Metrics(40, rate: 0.01, sample: "once")], gradients = [.. PlantedRun.Gradients(40)];
        // As a run writes: some lines, then more.
        await Append(host, page, metrics[..12], gradients[..8], "andrea.runs[0].steps.last >= 8");
        int before = await page.Value<int>(ChartedSteps);
        Assert.InRange(before, 5, 12);
        await Append(host, page, metrics[12..], gradients[8..], "andrea.runs[0].steps.last === 40");
        await Until(page, $"{ChartedSteps} > {before} && andrea.range()[1] === 40");
        Assert.Equal(PlantedRun.LossOf(40), await page.Value<double>("andrea.runs[0].steps.loss.at(-1)"), precision: 3);
        Assert.Equal(40, await page.Value<int>("andrea.runs[0].totals.steps"));
        Assert.Equal(PlantedRun.Tensors, await page.Value<string[]>("andrea.runs[0].tensors.names"));
        Assert.Equal("", ComplaintsOf(page, host));
    }

    [Fact]
    public async Task LivePage_WhenTheRunIsResumed_ShowsWhatIsThen()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        string[] metrics = [.. Enumerable.Range(1, 40).Select(step => LiveHost.Step(step, 9.0 / step))];
        File.WriteAllLines(host.Metrics("run"), metrics);
        await using WatchedPage page = await Open(host, "");
        Assert.Equal(40, await page.Value<int>("andrea.runs[0].steps.last"));
        File.WriteAllLines(host.Metrics("run") + ".tmp", metrics[..20]);
        File.Move(host.Metrics("run") + ".tmp", host.Metrics("run"), overwrite: true);
        await Until(page, "andrea.runs[0].steps.last === 20");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(21, 7)]);
        await Until(page, "andrea.runs[0].steps.last === 21 && andrea.runs[0].steps.loss.at(-1) === 7");
        Assert.Equal("", ComplaintsOf(page, host));
    }

    [Fact]
    public async Task Index_LeadsToRunsAndToAllInOnePage()
    {
        await using LiveHost host = await LiveHost.Start(runs: ["one <b>", "two"]);
        await using WatchedPage page = await chromium.OpenAsync(width: 390);
        await page.Page.GotoAsync(host.Server.Url);
        Assert.Equal(["one <b>", "two", "All in one page"], await page.Page.Locator("a").AllTextContentsAsync());
        await page.Page.Locator("a").First.ClickAsync();
        await Until(page, "window.andrea?.runs.length === 1");
        Assert.Equal("/", await page.Page.Locator("#home").GetAttributeAsync("href"));
        await page.Page.GotoAsync(host.Server.Url + "compare");
        await Until(page, "window.andrea?.runs.length === 2 && andrea.live.length === 2");
        File.AppendAllLines(host.Metrics("two"), [LiveHost.Step(1)]);
        File.AppendAllLines(host.Metrics("one <b>"), [LiveHost.Step(1), LiveHost.Step(2)]);
        await Until(page, "andrea.runs[0].steps.last === 2 && andrea.runs[1].steps.last === 1");
        Assert.Equal("", ComplaintsOf(page, host));
    }

    [Fact]
    public async Task Status_SaysWhatTheRunDoesAndWhatTheServerDoes()
    {
        LiveHost host = await LiveHost.Start(runs: "run");
        File.WriteAllText(Path.Combine(host.Folder("run"), "run.json"), "{\"options\":{\"steps\":3}}");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(1)]);
        File.SetLastWriteTimeUtc(host.Metrics("run"), DateTime.UtcNow.AddMinutes(-7));
        await using WatchedPage page = await Open(host, "");
        await Says(page, "No step for 7 min", "lost");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(2)]);
        await Says(page, "Running", "good");
        await page.Page.EvaluateAsync("andrea.live[0].events.dispatchEvent(new Event('error'))");
        await Says(page, "Not connected; trying again", "lost");
        await page.Page.EvaluateAsync("andrea.live[0].follow()");
        await Says(page, "Running", "good");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(3)]);
        await Says(page, "Finished", "over");
        await host.DisposeAsync();
        await Says(page, "Finished, and its server has ended: see report.html in the run's folder, or andrea watch with that folder", "over");
    }

    [Fact]
    public async Task HiddenPage_LetsGoOfItsStream_AndGoesOnWhereItWas()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        await using WatchedPage page = await Open(host, "");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(1)]);
        await Until(page, "andrea.runs[0].steps.last === 1");
        await Show(page, isHidden: true);
        Assert.Equal(2, await page.Value<int>("andrea.live[0].events.readyState"));
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(2), LiveHost.Step(3)]);
        await Show(page, isHidden: false);
        await Until(page, "andrea.runs[0].steps.last === 3");
        Assert.Equal(3, await page.Value<int>("andrea.runs[0].totals.steps"));
        Assert.Contains("?after=", await page.Value<string>("andrea.live[0].events.url"), StringComparison.Ordinal);
        Assert.Equal("", ComplaintsOf(page, host));
    }

    /// <summary>As if the tab were put behind another, or before it.</summary>
    private static Task Show(WatchedPage page, bool isHidden) => page.Page.EvaluateAsync($$"""
        () => { Object.defineProperty(document, 'hidden', { value: {{(isHidden ? "true" : "false")}}, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }
        """);

    private static async Task Says(WatchedPage page, string text, string kind)
    {
        await Until(page, $"document.getElementById('live').textContent === \"{text}\"");
        Assert.Equal(kind, await page.Value<string>("document.getElementById('live').className"));
    }

    private async Task<WatchedPage> Open(LiveHost host, string path)
    {
        WatchedPage page = await chromium.OpenAsync();
        await page.Page.GotoAsync(host.Server.Url + path);
        await Until(page, "window.andrea?.live?.[0].events.readyState === EventSource.OPEN");
        return page;
    }

    private static async Task Append(LiveHost host, WatchedPage page, string[] metrics, string[] gradients, string condition)
    {
        File.AppendAllLines(host.Metrics("run"), metrics);
        File.AppendAllLines(host.Gradients("run"), gradients);
        await Until(page, condition);
        await Until(page, "andrea.redraw === null");
    }

    /// <summary>Waits for an expression of JavaScript. Playwright's own way evaluates text within the page, which the page's policy forbids.</summary>
    private static async Task Until(WatchedPage page, string condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!await page.Value<bool>($"Boolean({condition})"))
            await Task.Delay(50, limit.Token);
    }

    /// <summary>All but the page's requests to its own server.</summary>
    private static string ComplaintsOf(WatchedPage page, LiveHost host) =>
        string.Join("\n", page.Complaints.Where(complaint => !complaint.StartsWith($"request: {host.Server.Url}", StringComparison.Ordinal)));
}
