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
    public async Task Charts_OfARun_DrawItsValuesLineByLine()
    {
        await using WatchedPage page = await OpenReport();
        int[] steps = [.. Enumerable.Range(1, PlantedRun.Steps)], tens = [10, 20, 30, 40];
        await Draws(page, "chart-loss",
            ("every step", steps, LossOf), ("training", steps, step => TrendOf(steps, LossOf, step)), ("validation", tens, PlantedRun.ValidationLossOf));
        await Draws(page, "chart-norm", ("before clip", steps, PlantedRun.NormOf), ("after clip", steps, PlantedRun.NormAfterOf));
        await Draws(page, "chart-clip", ("coefficient", steps, step => PlantedRun.IsClipped(step) ? 0.25 : 1), ("clip rate", steps, PlantedRun.ClipRateOf));
        await Draws(page, "chart-coherence", ("score", [30], _ => 64), ("repetition", [30], _ => 25));
        await Draws(page, "chart-rate", ("learning rate", steps, step => PlantedRun.RateOf(step)));
        await Draws(page, "chart-speed", ("every step", steps, SpeedOf), ("tokens/s", steps, step => TrendOf(steps, SpeedOf, step)));
        await Draws(page, "chart-updates", [.. new[] { "wte", "block 0", "block 1", "ln_f" }.Select((name, tensor) =>
            (name, tens, (Func<int, double>)(step => PlantedRun.UpdateRatioOf(step, tensor))))]);
        Assert.Equal(["Loss", "Gradient norm", "Clipping", "Samples", "Learning rate", "Speed", "Layer by layer", "Update to weight"],
            await page.Page.Locator("figure h3").AllInnerTextsAsync());
        // A tenfold is as high everywhere where the axis is logarithmic, and there only.
        foreach ((string chart, bool isLog) in ((string, bool)[])[("loss", false), ("norm", true), ("clip", false), ("rate", false), ("speed", false), ("updates", true)])
            Assert.Equal(isLog, await page.Value<bool>($$"""(plot => { const y = value => plot.valToPos(value, 'y'); return Math.abs((y(1) - y(10)) - (y(10) - y(100))) < 1e-6; })(andrea.chart('chart-{{chart}}').plot)"""));
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Legend_ShowsTheLastValueAndThatAtTheCursor_WithTheDashOfTheLine()
    {
        await using WatchedPage page = await OpenReport();
        Same(["every step 1.1", $"training {await page.Value<string>("show(andrea.chart('chart-loss').lines.find(line => line.label === 'training').values[39])")}", "validation 1.2"],
            await Legend(page, "loss"));
        Same(["before clip 0.5", "after clip 0.5"], await Legend(page, "norm"));
        Same(["coefficient 1", "clip rate 0.1"], await Legend(page, "clip"));
        Same(["learning rate 0.009996"], await Legend(page, "rate"));
        Same(["wte 0.0014", "block 0 0.0028", "block 1 0.0042", "ln_f 0.0056"], await Legend(page, "updates"));
        await page.Page.EvaluateAsync("andrea.chart('chart-norm').focusStep(5)");
        Same(["before clip 4", "after clip 1"], await Legend(page, "norm"));
        Same(["coefficient 0.25", "clip rate 0.2"], await Legend(page, "clip"));
        string[] dashes = await page.Value<string[]>("""
            andrea.chart('chart-updates').named.map((line, i) => {
              const style = getComputedStyle(document.querySelectorAll('#chart-updates .legend .swatch')[i]);
              return `${line.dash?.map(length => length + 'px')}=${style.getPropertyValue('--dash')},${style.getPropertyValue('--gap')}`;
            })
            """);
        Same(["2px,3px=2px,3px", "undefined=,", "undefined=,", "6px,3px=6px,3px"], dashes);
    }

    [Fact]
    public async Task Charts_MarkFindingsAndSettings_WhereTheyAre()
    {
        await using WatchedPage page = await OpenReport();
        string bad = Rgb(await page.Value<string>("color('bad')")), warn = Rgb(await page.Value<string>("color('warn')"));
        foreach (string chart in (string[])["loss", "norm", "clip", "rate", "speed", "updates"])
        {
            // In the flag of the verdict of step 20, beside its number, and in the tick of the spike of step 15; neither is at step 30.
            Assert.Equal(bad, await Pixel(page, chart, 20, "plot.bbox.top - 7 * uPlot.pxRatio", -5));
            Assert.NotEqual(bad, await Pixel(page, chart, 30, "plot.bbox.top - 7 * uPlot.pxRatio", -5));
            Assert.Equal(warn, await Pixel(page, chart, 15, "plot.bbox.top + plot.bbox.height - 3 * uPlot.pxRatio"));
            Assert.NotEqual(warn, await Pixel(page, chart, 30, "plot.bbox.top + plot.bbox.height - 3 * uPlot.pxRatio"));
        }
        Same(["1"], (await Texts(page, "andrea.chart('chart-rate').plot.redraw()")).Where(item => item.Fill == "on-mark").Select(item => item.Text));
        Drawn guide = Assert.Single(await Texts(page, "andrea.chart('chart-norm').plot.redraw()"), item => item.Text == "largest norm 1");
        Assert.Equal(await page.Value<double>("andrea.chart('chart-norm').plot.valToPos(1, 'y', true)"), guide.Y + 5 * await page.Value<double>("uPlot.pxRatio"), 1);
        // Dashes of six pixels and gaps of four, between the lines of the data.
        Assert.InRange(await page.Value<int>("""
            (plot => {
              const y = Math.floor(plot.valToPos(1, 'y', true)), { left, width } = plot.bbox, paint = document.createElement('canvas').getContext('2d');
              paint.fillStyle = color('muted');
              paint.fillRect(0, 0, 1, 1);
              const muted = paint.getImageData(0, 0, 1, 1).data, near = (data, i) => [0, 1, 2].every(k => Math.abs(data[i + k] - muted[k]) < 90);
              const share = at => { const { data } = plot.ctx.getImageData(left, at, width, 1); let count = 0; for (let i = 0; i < data.length; i += 4) count += near(data, i); return 100 * count / width; };
              return Math.round(Math.max(share(y - 1), share(y)));
            })(andrea.chart('chart-norm').plot)
            """), 40, 80);
    }

    [Fact]
    public async Task Samples_OfTheSlider_AreThoseOfTheirSteps()
    {
        string path = PlantedRun.Write(_folder, sample: "second");
        string metrics = Path.Combine(path, "metrics.jsonl");
        File.WriteAllLines(metrics, ["{\"step\":0,\"sample\":\"first\"}", .. File.ReadAllLines(metrics), "{\"step\":40,\"sample\":\"third\"}"]);
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(RunReport.Write(path));
        ILocator slider = page.Page.Locator("#sample-slider");
        Assert.Equal("2", await slider.InputValueAsync());
        foreach ((int at, string expected) in (List<(int, string)>)[(2, "Step 40 (3 of 3): third"), (0, "Step 0 (1 of 3): first"), (1, "Step 30 (2 of 3): second")])
        {
            await slider.FillAsync($"{at}");
            Assert.Equal(expected, $"{await page.Page.Locator("#samples label").TextContentAsync()}: {await page.Page.Locator("#samples pre").TextContentAsync()}");
        }
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
        // In the middle of the one that is NaN, a cross; its verdict's flag above the column's beginning.
        string at = await page.Value<string>("""
            (heat => {
              const layout = heat.layout(), ctx = heat.canvas.getContext('2d'), left = heat.position(20, layout), right = heat.position(21, layout);
              const pixel = (x, y) => [...ctx.getImageData(x, y, 1, 1).data].slice(0, 3), y = layout.top + 1.5 * layout.rowHeight;
              const center = pixel((Math.floor(left) + Math.ceil(right)) / 2, Math.floor(y)), wild = pixel(left + 4, Math.floor(y));
              return `${Math.abs(center[1] - wild[1]) > 60} ${pixel(Math.round(left) - 5, layout.top - 7)}`;
            })(andrea.heat)
            """);
        Assert.Equal($"true {Rgb(await page.Value<string>("color('bad')"))}", at);
        string[] colors = await page.Value<string[]>("[[19, 1], [35, 2], [1, 0], [11, 3]].map(([column, row]) => andrea.heat.colorAt(column, row))");
        Same(await page.Value<string[]>("[color('wild'), color('zero'), rampColor(1), rampColor(0)]"),
            [colors[0], colors[1], colors[2], await page.Value<string>("andrea.heat.colorAt(2, 3)")]);
        Assert.Equal(4, colors.Distinct().Count());
    }

    [Theory]
    [InlineData(1280, @"^wte h\.0\.attn\.c_proj\.weight h\.11\.attn_of_heads\.c_proj(\.weight)? h\.12\.attn_of_heads\.c_proj(\.weight)?$")]
    [InlineData(390, @"^wte h\.0\.attn\.c_proj h\.11…\S*\.c_proj h\.12…\S*\.c_proj$")]
    public async Task HeatMap_NamesRowsAndSteps_WhereTheyAre(int width, string expected)
    {
        string path = PlantedRun.Write(_folder), gradients = Path.Combine(path, "gradients.jsonl");
        File.WriteAllText(gradients, File.ReadAllText(gradients).Replace("\"h.0.w\",\"h.1.w\",\"ln_f\"", "\"h.0.attn.c_proj.weight\",\"h.11.attn_of_heads.c_proj.weight\",\"h.12.attn_of_heads.c_proj.weight\"", StringComparison.Ordinal));
        await using WatchedPage page = await (await chromium.OpenAsync(width)).GoToFile(RunReport.Write(path));
        Drawn[] texts = await Texts(page, "andrea.heat.draw()");
        double top = await page.Value<double>("andrea.heat.layout().top"), height = await page.Value<double>("andrea.heat.layout().rowHeight");
        Drawn[] names = [.. texts.Where(item => item.Fill == "text")];
        Assert.Matches(expected, string.Join(' ', names.Select(item => item.Text)));
        Same([0.5, 1.5, 2.5, 3.5], names.Select(item => (item.Y - top) / height));
        double left = await page.Value<double>("andrea.heat.layout().gutter"), plot = await page.Value<double>("andrea.heat.layout().plotWidth");
        Drawn[] steps = [.. texts.Where(item => item.Fill == "muted")];
        Assert.InRange(steps.Length, 3, 20);
        // The last one may be moved in from the edge.
        Assert.All(steps, item => Assert.InRange(item.X - (left + (int.Parse(item.Text, System.Globalization.CultureInfo.InvariantCulture) - 1) / 39.0 * plot), -9, 0.01));
        Assert.Equal(0, steps[0].X - (left + (int.Parse(steps[0].Text, System.Globalization.CultureInfo.InvariantCulture) - 1) / 39.0 * plot), 6);
    }

    [Fact]
    public async Task Findings_AreListedWithEvidenceAndRemedyAndLeadToTheirStep()
    {
        await using WatchedPage page = await OpenReport();
        string text = await page.Page.Locator("#findings").InnerTextAsync();
        foreach (string expected in (string[])["Non finite", "since step 20", "The gradient of h.0.w is NaN.", "Clip harder.", "Spikes: 1"])
            Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.Equal("Inf", await page.Page.Locator("#findings details td").Nth(4).TextContentAsync());
        string summary = await page.Page.Locator("#summary").InnerTextAsync();
        foreach (string expected in (string[])["40 of 40", "1.2 at step 40", "10 %", "2,500 tokens/s"])
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
        Assert.Equal(6, await page.Page.Locator("figure:visible").CountAsync());
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Configuration_ShowsWhatIsSet_AndFoldsWhatFewChange()
    {
        string path = PlantedRun.Write(_folder);
        File.WriteAllText(Path.Combine(path, "run.json"), """
            {"device":{},"started":7,"parameters":1410,"options":{"steps":40,"contextLength":0,"decaySteps":0,"batchSize":0,"groups":[],
            "monitor":{"every":1,"updatesEvery":10},"diagnosis":{"window":100,"deadAfter":21,"spikeWindow":100}}}
            """);
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(RunReport.Write(path));
        Assert.Equal("1410 parameters", await page.Page.Locator("#subtitle").TextContentAsync());
        Assert.Equal(["Parameters", "Steps", "Batch size"], await page.Page.Locator("#configuration .settings th").AllTextContentsAsync());
        Assert.Equal(["Diagnosis: 3 settings, 1 not as by default", "Monitor: 2 settings, all as they are by default"],
            await page.Page.Locator("#configuration summary, #configuration p.folded").AllTextContentsAsync());
        Assert.Equal(["Dead after", "21", "default 20"], await page.Page.Locator("#configuration details tr > *").AllTextContentsAsync());
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Chart_OfManyValidations_HasNoDots()
    {
        await using WatchedPage page = await OpenReport();
        const string Dots = "andrea.chart('chart-loss').plot.series[andrea.chart('chart-loss').lines.findIndex(line => line.label === 'validation') + 1].points.show";
        Assert.True(await page.Value<bool>($"Boolean({Dots}) && hasDots(andrea.chart('chart-loss').lines.find(line => line.points))"));
        await page.Page.EvaluateAsync("for (let step = 41; step <= 141; step++) andrea.append('planted', 'metrics', `{\"step\":${step},\"validationLoss\":2}`); andrea.refresh()");
        Assert.False(await page.Value<bool>("hasDots(andrea.chart('chart-loss').lines.find(line => line.points))"));
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

    private static double LossOf(int step) => step == PlantedRun.NaNStep ? double.NaN : PlantedRun.LossOf(step);

    private static double SpeedOf(int step) => 1000 * 100 / PlantedRun.TimeOf(step);

    /// <summary>Both passes of the page's average, each of which has the step itself; NaN where the value is.</summary>
    private static double TrendOf(int[] steps, Func<int, double> value, int at)
    {
        double reach = Math.Max(1, (steps[^1] - steps[0]) / 80.0), sum = value(at), weight = 1;
        foreach (int step in steps.Where(step => double.IsFinite(value(step))))
        {
            double share = Math.Exp(-Math.Abs(step - at) / reach);
            (sum, weight) = (sum + share * value(step), weight + share);
        }
        return sum / weight;
    }

    /// <summary>Checks all lines of a chart, by name, step and value; what is not finite is no point of a line.</summary>
    private static async Task Draws(WatchedPage page, string chart, params (string Label, int[] Steps, Func<int, double> Value)[] lines)
    {
        string json = await page.Value<string>($$"""
            (chart => JSON.stringify(Object.fromEntries(chart.lines.map((line, i) =>
              [line.label, chart.plot.data[0].map((step, at) => [step, chart.plot.data[i + 1][at]]).filter(([, value]) => value !== null && value !== undefined)]))))(andrea.chart('{{chart}}'))
            """);
        Dictionary<string, double[][]> drawn = System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, double[][]>>(json)!;
        Assert.Equal(lines.Select(line => line.Label).Order(), drawn.Keys.Order());
        foreach ((string label, int[] steps, Func<int, double> value) in lines)
        {
            int[] finite = [.. steps.Where(step => double.IsFinite(value(step)))];
            Same(finite, drawn[label].Select(point => (int)point[0]));
            Assert.All(finite, (step, i) => Assert.True(
                Math.Abs(value(step) - drawn[label][i][1]) <= 1e-4 * Math.Abs(value(step)), $"{chart}, {label}, step {step}: {drawn[label][i][1]} is drawn, expected {value(step)}"));
        }
    }

    /// <summary>The buttons of a legend, each with its value.</summary>
    private static Task<string[]> Legend(WatchedPage page, string chart) =>
        page.Value<string[]>($"[...document.querySelectorAll('#chart-{chart} .legend button')].map(button => button.childNodes[1].textContent + ' ' + button.querySelector('.value').textContent)");

    /// <summary>A pixel of a chart at a step.</summary>
    private static Task<string> Pixel(WatchedPage page, string chart, int step, string y, int aside = 0) => page.Value<string>($$"""
        (plot => [...plot.ctx.getImageData(Math.round(plot.valToPos({{step}}, 'x', true)) - 1 + {{aside}} * uPlot.pxRatio, Math.round({{y}}), 2, 1).data].slice(0, 3).join())(andrea.chart('chart-{{chart}}').plot)
        """);

    /// <summary>The texts that JavaScript draws on canvases, each with its place and the name of its colour.</summary>
    private static async Task<Drawn[]> Texts(WatchedPage page, string script)
    {
        string json = await page.Value<string>($$"""
            (async () => {
              const drawn = [], prototype = CanvasRenderingContext2D.prototype, { fillText } = prototype;
              const probe = document.createElement('canvas').getContext('2d');
              const names = Object.fromEntries(['text', 'muted', 'on-mark'].map(name => { probe.fillStyle = color(name); return [probe.fillStyle, name]; }));
              prototype.fillText = function (text, x, y) { drawn.push({ Text: text, X: x, Y: y, Fill: names[this.fillStyle] ?? '' }); fillText.call(this, text, x, y); };
              {{script}};
              await new Promise(done => setTimeout(done));
              prototype.fillText = fillText;
              return JSON.stringify(drawn);
            })()
            """);
        return System.Text.Json.JsonSerializer.Deserialize<Drawn[]>(json)!;
    }

    private sealed record Drawn(string Text, double X, double Y, string Fill);

    private static async Task<double> Cell(WatchedPage page, int column, int row) =>
        double.Parse(await page.Value<string>($"String(andrea.heat.cellAt({column}, {row}))"), System.Globalization.CultureInfo.InvariantCulture);

    private static string Rgb(string hex) =>
        string.Join(',', new[] { 1, 3, 5 }.Select(at => Convert.ToInt32(hex.Substring(at, 2), 16)));
}
