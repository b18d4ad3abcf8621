using System.Text;
using System.Text.Json;
using Andrea.Reporting;
using Andrea.Tests.Support;

namespace Andrea.Tests.Reporting;

/// <summary>The page fed with lines while it is open comes to what a page of the finished run shows.</summary>
public sealed class LivePageTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private const string Origin = "http://127.0.0.1:1";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(40, 20)]
    [InlineData(1300, 300)]
    [InlineData(1300, 0)]
    public async Task Append_RestOfARun_ComesToTheSameAsReadingItWhole(int steps, int before)
    {
        string whole = PlantedRun.Write(_folder, "whole", steps);
        string half = Half(whole, before);
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(RunReport.Write(half));
        foreach (string file in (string[])["metrics", "gradients"])
        {
            // All of its lines: those that the page knows must do no harm.
            string[] lines = File.ReadAllLines(Path.Combine(whole, file + ".jsonl"));
            await page.Page.EvaluateAsync($"lines => lines.forEach(line => andrea.append('half', '{file}', line))", lines);
        }
        await page.Page.EvaluateAsync("andrea.append('half', 'metrics', '{\"step\":99999,\"loss\":1,\"cut'); andrea.append('half', 'metrics', '[]'); andrea.append('other', 'metrics', '{}')");
        string expected = await page.Page.EvaluateAsync<string>($"json => {{ {Canon} return canon(new Run(JSON.parse(json))); }}", Json(RunData.Read(whole), "half"));
        Assert.Equal(expected, await page.Page.EvaluateAsync<string>($"() => {{ {Canon} return canon(andrea.runs[0]); }}"));
        await page.Until("andrea.redraw === null");
        Assert.Equal(steps, await page.Value<int>("andrea.chart('chart-rate').plot.data[0].length"));
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Append_TensOfThousandsOfSteps_StaysSmallAndKeepsTheExtremes()
    {
        await using WatchedPage page = await (await chromium.OpenAsync()).GoToFile(RunReport.Write(PlantedRun.Write(_folder)));
        await page.Page.EvaluateAsync("""
            for (let step = 41; step <= 30000; step++)
              andrea.append('planted', 'metrics', `{"step":${step},"loss":${step === 5000 ? '"NaN"' : step === 6000 ? 77 : 2},"norm":1}`);
            """);
        Assert.InRange(await page.Value<int>("andrea.runs[0].steps.step.length"), 400, 8000);
        Assert.Equal(77, await page.Value<double>("Math.max(...andrea.runs[0].steps.loss.filter(Number.isFinite))"));
        Assert.Contains(5000, await page.Value<int[]>("andrea.runs[0].steps.step.filter((_, i) => Number.isNaN(andrea.runs[0].steps.loss[i]))"));
        Assert.Equal(30000, await page.Value<int>("andrea.runs[0].totals.steps"));
    }

    [Fact]
    public async Task LivePage_FollowsEventsAndReloadsOnReset()
    {
        string whole = PlantedRun.Write(_folder, "whole");
        RunData half = RunData.Read(Half(whole, 20));
        var asked = new List<string>();
        await using WatchedPage page = await chromium.OpenAsync();
        await page.Page.RouteAsync("**/*", async route =>
        {
            var uri = new Uri(route.Request.Url);
            lock (asked)
                asked.Add(uri.PathAndQuery);
            await route.FulfillAsync(uri.AbsolutePath switch
            {
                "/" => new() { ContentType = "text/html; charset=utf-8", Body = RunPage.Html([half], live: true) },
                "/data/half" => new() { ContentType = "application/json", Body = Json(RunData.Read(whole), "half") },
                _ when asked.Count(path => path.StartsWith("/events/", StringComparison.Ordinal)) == 1 => new()
                {
                    ContentType = "text/event-stream",
                    Body = "event: metrics\ndata: {\"step\":21,\"loss\":3.5,\"norm\":1}\n\nevent: reset\ndata: {}\n\n",
                },
                _ => new() { ContentType = "text/event-stream", Body = "event: metrics\ndata: {\"step\":41,\"loss\":9.5,\"norm\":1}\n\n" },
            });
        });
        await page.Page.GotoAsync(Origin);
        await page.Until("andrea.runs[0].steps.last === 41");
        await page.Until("andrea.chart('chart-rate').plot.data[0].length === 41 && andrea.range()[1] === 41");
        Assert.Equal(9.5, await page.Value<double>("andrea.runs[0].steps.loss.at(-1)"));
        Assert.Equal(4, await page.Value<int>("andrea.runs[0].evaluations.length"));
        Assert.False(await page.Page.Locator("#live").IsHiddenAsync());
        long[] sizes = [.. new[] { "metrics", "gradients" }.Select(file => new FileInfo(Path.Combine(half.Folder, file + ".jsonl")).Length)];
        lock (asked)
        {
            Assert.Equal($"/events/half?metrics={sizes[0]}&gradients={sizes[1]}", asked[1]);
            Assert.Contains("/data/half", asked);
        }
        Assert.DoesNotContain(page.Complaints, complaint => !complaint.StartsWith($"request: {Origin}/", StringComparison.Ordinal));
    }

    /// <summary>JavaScript: a model as text, with numbers to 6 digits, as the snapshot has them.</summary>
    private const string Canon = """
        const canon = run => JSON.stringify(
          [run.totals, run.steps, run.evaluations, run.samples, run.coherence, run.spikes, run.verdicts, run.checkpoints, run.nonFinite, run.tensors, run.gradients, run.updates],
          (_, value) => typeof value === 'number' ? Number.isFinite(value) ? Number(value.toPrecision(6)) : String(value) : value);
        """;

    private string Half(string whole, int before)
    {
        string half = Directory.CreateDirectory(_folder["half"]).FullName;
        foreach (string file in (string[])["metrics.jsonl", "gradients.jsonl"])
        {
            IEnumerable<string> kept = File.ReadLines(Path.Combine(whole, file)).TakeWhile(line =>
            {
                using JsonDocument record = JsonDocument.Parse(line);
                return record.RootElement.GetProperty("step").GetInt64() <= before;
            });
            File.WriteAllLines(Path.Combine(half, file), [.. before == 0 ? [] : kept]);
        }
        return half;
    }

    private static string Json(RunData run, string id)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            run.WriteJson(json, id);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
