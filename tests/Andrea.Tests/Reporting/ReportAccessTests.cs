using Andrea.Reporting;
using Andrea.Tests.Support;
using Microsoft.Playwright;

namespace Andrea.Tests.Reporting;

/// <summary>The report for everybody: by keyboard, on a phone, in light and dark.</summary>
public sealed class ReportAccessTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Tab_ReachesEveryChartAndEachShowsItsFocus()
    {
        await using WatchedPage page = await OpenReport();
        var reached = new HashSet<string>();
        for (int i = 0; i < 80; i++)
        {
            await page.Page.Keyboard.PressAsync("Tab");
            string id = await page.Value<string>("document.activeElement.closest('figure')?.id ?? document.activeElement.id");
            string name = await page.Value<string>("document.activeElement.className + document.activeElement.tagName");
            reached.Add($"{id} {name}");
            if (await page.Value<bool>("document.activeElement !== document.body"))
                Assert.Equal("solid", await page.Value<string>("getComputedStyle(document.activeElement).outlineStyle"));
        }
        foreach (string chart in (string[])["loss", "norm", "clip", "rate", "speed", "updates"])
            Assert.Contains($"chart-{chart} plotDIV", reached);
        Assert.Contains("heat CANVAS", reached);
        Assert.Contains("heat SELECT", reached);
    }

    [Fact]
    public async Task Arrows_MoveTheCursorOfAllChartsAndSayWhatIsThere()
    {
        await using WatchedPage page = await OpenReport();
        ILocator chart = page.Page.Locator("#chart-norm .plot");
        await chart.FocusAsync();
        await page.Page.Keyboard.PressAsync("Home");
        await page.Page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("step 2: before clip 0.5, after clip 0.5", await chart.GetAttributeAsync("aria-valuetext"));
        await page.Page.Keyboard.PressAsync("Shift+ArrowRight");
        await page.Page.Keyboard.PressAsync("ArrowLeft");
        Assert.Equal(("11", "1", "40"), (await chart.GetAttributeAsync("aria-valuenow"), await chart.GetAttributeAsync("aria-valuemin"), await chart.GetAttributeAsync("aria-valuemax")));
        Same([11, 11], await page.Value<int[]>("['chart-loss', 'chart-speed'].map(id => andrea.chart(id).plot.data[0][andrea.chart(id).plot.cursor.idx])"));
        await page.Page.Keyboard.PressAsync("+");
        int[] zoomed = await page.Value<int[]>("andrea.range()");
        Assert.InRange(zoomed[1] - zoomed[0], 18, 21);
        await page.Page.Keyboard.PressAsync("Escape");
        Same([1, 40], await page.Value<int[]>("andrea.range()"));
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Arrows_InTheHeatMap_GoFromCellToCell()
    {
        await using WatchedPage page = await OpenReport();
        await page.Page.Locator("#heat canvas").FocusAsync();
        foreach (string key in (string[])["Home", "ArrowDown", "Shift+ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight",
                     "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"])
            await page.Page.Keyboard.PressAsync(key);
        Assert.Equal(
            "step 20 · h.0.w (200) · gradient norm before clip NaN · 3 elements not finite", await page.Page.Locator("#heat output").TextContentAsync());
        await page.Page.Locator("#heat select").SelectOptionAsync("ratio");
        Assert.Equal(4, await page.Value<int>("andrea.heat.bins.count"));
    }

    [Fact]
    public async Task Drag_AcrossAChart_ZoomsAllOfThem()
    {
        await using WatchedPage page = await OpenReport();
        await page.Page.Locator("#chart-loss").ScrollIntoViewIfNeededAsync();
        LocatorBoundingBoxResult box = (await page.Page.Locator("#chart-loss .u-over").BoundingBoxAsync())!;
        await page.Page.Mouse.MoveAsync(box.X + box.Width / 4, box.Y + 40);
        await page.Page.Mouse.DownAsync();
        await page.Page.Mouse.MoveAsync(box.X + box.Width / 2, box.Y + 40, new() { Steps = 4 });
        await page.Page.Mouse.UpAsync();
        int[] range = await page.Value<int[]>("andrea.range()");
        Assert.InRange(range[0], 9, 12);
        Assert.InRange(range[1], 19, 22);
        Same(range, await page.Value<int[]>("[andrea.chart('chart-speed').plot.scales.x.min, andrea.chart('chart-speed').plot.scales.x.max]"));
        await page.Page.Locator("#chart-loss .u-over").DblClickAsync();
        Same([1, 40], await page.Value<int[]>("andrea.range()"));
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Phone_SeveralRunsWithLongNames_NeedsNoSidewaysScrolling(ColorScheme scheme)
    {
        string[] names = ["a-run-with-a-very-long-name-that-does-not-break-anywhere-at-all-because-it-has-no-spaces", "b", "c", "d"];
        RunReport.Write(_folder["compare.html"], [.. names.Select(name => RunData.Read(PlantedRun.Write(_folder, name, sample: new string('x', 500))))]);
        await using WatchedPage page = await (await chromium.OpenAsync(width: 390, scheme)).GoToFile(_folder["compare.html"]);
        Assert.Equal(390, await page.Value<int>("document.documentElement.scrollWidth"));
        Assert.Equal(390, await page.Value<int>("document.body.scrollWidth"));
        Assert.Equal(8, await page.Page.Locator("figure:visible").CountAsync());
        Assert.InRange(await page.Value<int>("Math.max(...[...document.querySelectorAll('figure, .uplot, canvas')].map(item => item.getBoundingClientRect().right))"), 200, 390);
        Assert.Empty(page.Complaints);
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Colors_OfTextAndLines_StandOutFromTheirGround(ColorScheme scheme)
    {
        await using WatchedPage page = await OpenReport(scheme);
        double card = await Luminance(page, "card");
        Assert.Equal(scheme == ColorScheme.Dark, card < 0.2);
        foreach (string text in (string[])["text", "muted", "accent", "bad", "warn", "good"])
            Assert.True(Contrast(await Luminance(page, text), card) >= 4.5, $"{text} in {scheme}");
        for (int run = 1; run <= 8; run++)
            Assert.True(Contrast(await Luminance(page, $"run-{run}"), card) >= 3, $"run-{run} in {scheme}");
        Assert.True(Contrast(await Luminance(page, "muted"), await Luminance(page, "page")) >= 4.5, "muted on the page");
        Assert.True(Contrast(await Luminance(page, "text"), await Luminance(page, "differs")) >= 4.5, "differences");
        Assert.True(Contrast(await Luminance(page, "on-mark"), await Luminance(page, "warn")) >= 4.5, "flags");
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Colors_OfAllBlocks_StandOutFromTheirGround(ColorScheme scheme)
    {
        string path = PlantedRun.Write(_folder), gradients = Path.Combine(path, "gradients.jsonl");
        // Twelve blocks.
        string[] names = [.. Enumerable.Range(0, 12).Select(block => $"h.{block}.w")];
        string ones = string.Join(',', names.Select(_ => "1"));
        File.WriteAllText(gradients, $$"""
            {"step":0,"tensors":[{{string.Join(',', names.Select(name => $"\"{name}\""))}}],"lengths":[{{ones}}],"depths":[{{string.Join(',', Enumerable.Range(0, 12))}}]}
            {"step":1,"norm":[{{ones}}],"max":[{{ones}}],"weight":[{{ones}}],"update":[{{ones}}],"rms":[{{ones}}],"vRatio":[{{ones}}]}

            """);
        await using WatchedPage page = await (await chromium.OpenAsync(scheme: scheme)).GoToFile(RunReport.Write(path));
        string[] colors = await page.Value<string[]>("andrea.chart('chart-updates').lines.map(line => line.color)");
        Assert.Equal(12, colors.Distinct().Count());
        double card = await Luminance(page, "card");
        Assert.All(colors, paint => Assert.InRange(Contrast(LuminanceOf([.. paint[4..^1].Split(',').Select(part => int.Parse(part, System.Globalization.CultureInfo.InvariantCulture))]), card), 3, 21));
    }

    [Fact]
    public async Task Theme_ChangesWhileThePageIsOpen_IsFollowed()
    {
        await using WatchedPage page = await OpenReport();
        const string Line = "andrea.chart('chart-rate').lines[0].color";
        string light = await page.Value<string>(Line);
        await page.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await page.Until($"{Line} !== '{light}'");
        Assert.Equal(await page.Value<string>("color('run-1')"), await page.Value<string>(Line));
        Assert.Equal(1, await page.Page.Locator("#chart-rate canvas").CountAsync());
    }

    [Fact]
    public async Task Page_HasLandmarksHeadingsAndNames()
    {
        await using WatchedPage page = await OpenReport();
        Assert.Equal("en", await page.Value<string>("document.documentElement.lang"));
        foreach (AriaRole role in (AriaRole[])[AriaRole.Banner, AriaRole.Main, AriaRole.Contentinfo])
            Assert.Equal(1, await page.Page.GetByRole(role).CountAsync());
        Assert.Equal(["Summary", "Findings", "Curves", "Layers", "Samples", "Configuration and machine"],
            await page.Page.GetByRole(AriaRole.Heading, new() { Level = 2 }).AllInnerTextsAsync());
        Assert.Equal(7, await page.Page.GetByRole(AriaRole.Slider, new() { NameRegex = new("chart over steps") }).CountAsync());
        Assert.Equal(0, await page.Value<int>("""
            [...document.querySelectorAll('button, select, input, [tabindex="0"]')].filter(item => !item.hidden && !item.closest('[hidden]')
              && !(item.textContent.trim() || item.getAttribute('aria-label') || item.labels?.length)).length
            """));
    }

    private static void Same<T>(IEnumerable<T> expected, IEnumerable<T> actual) => Assert.Equal(expected, actual);

    private async Task<WatchedPage> OpenReport(ColorScheme scheme = ColorScheme.Light) =>
        await (await chromium.OpenAsync(scheme: scheme)).GoToFile(RunReport.Write(PlantedRun.Write(_folder)));

    /// <summary>WCAG's relative luminance of a colour of the style sheet.</summary>
    private static async Task<double> Luminance(WatchedPage page, string name)
    {
        string hex = await page.Value<string>($"color('{name}')");
        return LuminanceOf([.. new[] { 1, 3, 5 }.Select(at => Convert.ToInt32(hex.Substring(at, 2), 16))]);
    }

    private static double LuminanceOf(int[] parts)
    {
        double[] weights = [0.2126, 0.7152, 0.0722];
        return weights.Select((weight, i) =>
        {
            double part = parts[i] / 255.0;
            return weight * (part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4));
        }).Sum();
    }

    private static double Contrast(double a, double b) => (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
}
