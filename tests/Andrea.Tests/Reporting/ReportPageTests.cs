using Andrea.Reporting;
using Andrea.Tests.Support;
using Microsoft.Playwright;

namespace Andrea.Tests.Reporting;

/// <summary>The report as a browser shows it: what is drawn, and that nothing is complained of or asked for.</summary>
public sealed class ReportPageTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Charts_OfARun_HaveAPointForEveryFiniteValue()
    {
        await using WatchedPage page = await OpenReport();
        Same([40, 39, 39, 4], await Points(page, "chart-loss"));
        Same([40, 39, 39], await Points(page, "chart-norm"));
        Same([40, 40, 40], await Points(page, "chart-clip"));
        Same([40, 40], await Points(page, "chart-rate"));
        Same([40, 40, 40], await Points(page, "chart-speed"));
        Same([4, 4, 4, 4, 4], await Points(page, "chart-updates"));
        Assert.Equal(PlantedRun.LossOf(8), await page.Value<double>("andrea.chart('chart-loss').plot.data[1][7]"), 5);
        Assert.Equal(["Loss", "Gradient norm", "Clipping", "Learning rate", "Speed", "Layer by layer", "Update to weight"],
            await page.Page.Locator("figure h3").AllInnerTextsAsync());
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Charts_ValueThatIsNotFinite_IsMarkedAtTheTopEdgeAndNamedAtTheCursor()
    {
        await using WatchedPage page = await OpenReport();
        Same([20], await page.Value<int[]>("andrea.chart('chart-loss').wild.map(mark => mark.step)"));
        // Inside the triangle, a little below the top edge.
        string pixel = await page.Value<string>("""
            (() => {
              const plot = andrea.chart('chart-loss').plot, x = plot.valToPos(20, 'x', true);
              return [...plot.ctx.getImageData(Math.round(x) - 2, plot.bbox.top + 7 * uPlot.pxRatio, 1, 1).data].slice(0, 3).join();
            })()
            """);
        Assert.Equal(Rgb(await page.Value<string>("color('bad')")), pixel);
        await page.Page.EvaluateAsync("andrea.chart('chart-loss').focusStep(20)");
        Assert.Contains("every step NaN", await page.Page.Locator("#chart-loss .plot").GetAttributeAsync("aria-valuetext"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeatMap_EveryCell_HasItsValueAndThatColorOnTheScreen()
    {
        await using WatchedPage page = await OpenReport();
        Assert.Equal(40 * 4, await page.Value<int>("andrea.heat.bins.count * andrea.heat.names.length"));
        for (int step = 1; step <= PlantedRun.Steps; step++)
            for (int tensor = 0; tensor < 4; tensor++)
                Assert.Equal(PlantedRun.NormOf(step, tensor), await Cell(page, step - 1, tensor));
        // Beside the middle, where a cross may be, and not where a verdict's line is.
        int wrong = await page.Value<int>("""
            (() => {
              const heat = andrea.heat, layout = heat.layout(), ctx = heat.canvas.getContext('2d'), limits = heat.limits();
              let wrong = 0;
              for (let column = 0; column < 40; column++)
                for (let row = 0; row < 4; row++) {
                  const x = heat.position(heat.bins.first[column], layout) * 0.3 + heat.position(heat.endOf(column), layout) * 0.7;
                  if (x >= layout.gutter + layout.plotWidth) continue;
                  const pixel = [...ctx.getImageData(Math.floor(x), layout.top + row * layout.rowHeight + 3, 1, 1).data].slice(0, 3).join();
                  const probe = document.createElement('canvas').getContext('2d');
                  probe.fillStyle = heat.colorAt(column, row, limits);
                  probe.fillRect(0, 0, 1, 1);
                  if (pixel !== [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).join()) wrong++;
                }
              return wrong;
            })()
            """);
        Assert.Equal(0, wrong);
        string[] colors = await page.Value<string[]>("[[19, 1], [35, 2], [1, 0], [11, 3]].map(([column, row]) => andrea.heat.colorAt(column, row))");
        Same(await page.Value<string[]>("[color('wild'), color('zero'), rampColor(1), rampColor(0)]"),
            [colors[0], colors[1], colors[2], await page.Value<string>("andrea.heat.colorAt(2, 3)")]);
        Assert.Equal(4, colors.Distinct().Count());
    }

    [Fact]
    public async Task Findings_AreListedWithEvidenceAndRemedyAndMarkedOnTheAxis()
    {
        await using WatchedPage page = await OpenReport();
        string text = await page.Page.Locator("#findings").InnerTextAsync();
        foreach (string expected in (string[])["Non finite", "since step 20", "The gradient of h.0.w is NaN.", "Clip harder.", "Spikes: 1"])
            Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.Equal("Inf", await page.Page.Locator("#findings details td").Nth(4).TextContentAsync());
        string summary = await page.Page.Locator("#summary").InnerTextAsync();
        foreach (string expected in (string[])["40 of 40", "1.2 at step 40", "10 %", "2,000 tokens/s"])
            Assert.Contains(expected, summary, StringComparison.Ordinal);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Show in the charts" }).ClickAsync();
        Same([10, 30], await page.Value<int[]>("andrea.range()"));
        Assert.Equal(20, await page.Value<int>("andrea.cursor"));
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Show all steps" }).ClickAsync();
        Same([1, 40], await page.Value<int[]>("andrea.range()"));
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task WhatARunSays_ReachesTheScreenAsText()
    {
        const string Evil = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>";
        string path = PlantedRun.Write(_folder, name: "<img src=x onerror=hacked=1>", sample: Evil);
        string gradients = Path.Combine(path, "gradients.jsonl"), metrics = Path.Combine(path, "metrics.jsonl");
        File.WriteAllText(gradients, File.ReadAllText(gradients).Replace("h.0.w", "<img src=x onerror=hacked=1>", StringComparison.Ordinal));
        File.WriteAllText(metrics, File.ReadAllText(metrics).Replace("Clip harder.", "<img src=x onerror=hacked=1>", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(path, "run.json"), """{"device":"<img src=x onerror=hacked=1>","config":{"<img src=x onerror=hacked=1>":1}}""");
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(RunReport.Write(path));
        Assert.Equal(Evil, await page.Page.Locator("#samples pre").TextContentAsync());
        Assert.Equal("<img src=x onerror=hacked=1>", await page.Page.Locator("h1").TextContentAsync());
        Assert.Equal(0, await page.Page.Locator("img").CountAsync());
        Assert.False(await page.Value<bool>("'hacked' in window"));
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Page_AskedToFetch_IsStoppedByItsOwnPolicy()
    {
        await using WatchedPage page = await OpenReport();
        string answer = await page.Value<string>("""
            new Promise(done => {
              document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
              fetch('http://127.0.0.1:9/').catch(() => setTimeout(() => done('no violation'), 500));
            })
            """);
        Assert.Equal("connect-src", answer);
    }

    [Fact]
    public async Task Page_OldRunWithoutGradientsOrDescription_SaysWhatIsMissing()
    {
        string path = PlantedRun.Write(_folder);
        File.Delete(Path.Combine(path, "gradients.jsonl"));
        File.Delete(Path.Combine(path, "run.json"));
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(RunReport.Write(path));
        string text = await page.Page.Locator("main").InnerTextAsync();
        Assert.Contains("there is no gradients.jsonl", text, StringComparison.Ordinal);
        Assert.Contains("There is no run.json", text, StringComparison.Ordinal);
        Assert.Equal(5, await page.Page.Locator("figure:visible").CountAsync());
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Page_EmptyRun_IsNoError()
    {
        Directory.CreateDirectory(_folder["empty"]);
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(RunReport.Write(_folder["empty"]));
        Assert.Equal(0, await page.Page.Locator("figure:visible").CountAsync());
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Page_SeveralRuns_AreOverlaidComparedAndSwitchedOff()
    {
        RunData[] runs = [.. new[] { ("a", 0.01), ("b", 0.02) }.Select(run => RunData.Read(PlantedRun.Write(_folder, run.Item1, rate: run.Item2)))];
        RunReport.Write(_folder["compare.html"], runs);
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(_folder["compare.html"]);
        Same([40, 39, 39, 4, 39, 39, 4], await Points(page, "chart-loss"));
        Assert.Equal(2, await page.Value<int>("new Set(andrea.chart('chart-rate').lines.map(line => line.color)).size"));
        Assert.Equal(["Learning rate"], await page.Page.Locator("#configuration tr.differs th").AllInnerTextsAsync());
        await page.Page.Locator("#runs button").First.ClickAsync();
        Assert.Equal("false", await page.Page.Locator("#runs button").First.GetAttributeAsync("aria-pressed"));
        Assert.Equal(["b learning rate"], await page.Value<string[]>("andrea.chart('chart-rate').lines.map(line => line.label)"));
        await page.Page.GetByLabel("Layers and samples of").SelectOptionAsync("b");
        Assert.Equal("b", await page.Value<string>("andrea.heat.run.id"));
        Assert.Empty(page.Complaints);
    }

    private static void Same<T>(IEnumerable<T> expected, IEnumerable<T> actual) => Assert.Equal(expected, actual);

    private async Task<WatchedPage> OpenReport() => await (await chromium.OpenAsync()).GoToFile(RunReport.Write(PlantedRun.Write(_folder)));

    /// <summary>How many values each of a chart's arrays has: first the steps, then each line.</summary>
    private static Task<int[]> Points(WatchedPage page, string chart) =>
        page.Value<int[]>($"andrea.chart('{chart}').plot.data.map(values => values.filter(value => value !== null && value !== undefined).length)");

    private static async Task<double> Cell(WatchedPage page, int column, int row) =>
        double.Parse(await page.Value<string>($"String(andrea.heat.cellAt({column}, {row}))"), System.Globalization.CultureInfo.InvariantCulture);

    private static string Rgb(string hex) =>
        string.Join(',', new[] { 1, 3, 5 }.Select(at => Convert.ToInt32(hex.Substring(at, 2), 16)));
}
