using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Andrea.Cli;
using Andrea.Cli.Live;

namespace Andrea.Tests.Cli.Live;

public sealed class LiveServerTests
{
    [Fact]
    public async Task Loss_HasEveryStepWithItsLoss()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.AppendAllLines(host.Metrics("run"),
            [LiveHost.Step(1, 4.5), "{\"step\":1,\"validationLoss\":9}", "{\"step\":2,\"loss\":\"NaN\"}", "half a li", "{\"step\":\"x\"}", "[1]", LiveHost.Step(3, 2.25)]);
        Assert.Equal((200, """{"points":[[1,4.5],[2,"NaN"],[3,2.25]]}"""), await host.Get("loss/run"));
    }

    [Fact]
    public async Task Loss_OfALongRun_IsWhole()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.AppendAllLines(host.Metrics("run"), Enumerable.Range(1, 20_000).Select(step => LiveHost.Step(step)));
        using JsonDocument json = JsonDocument.Parse((await host.Get("loss/run")).Text);
        Assert.Equal(Enumerable.Range(1, 20_000), json.RootElement.GetProperty("points").EnumerateArray().Select(point => point[0].GetInt32()));
    }

    [Fact]
    public async Task Samples_HaveStepAndText()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(1), "{\"step\":1,\"sample\":\"<b>Once\\nupon\"}"]);
        (int status, string text) = await host.Get("samples/run");
        using JsonDocument json = JsonDocument.Parse(text);
        JsonElement sample = json.RootElement.GetProperty("samples")[0];
        Assert.Equal((200, 1, "<b>Once\nupon"), (status, sample.GetProperty("step").GetInt32(), sample.GetProperty("text").GetString()));
    }

    [Fact]
    public async Task Checkpoints_OfARealRun_AreListed()
    {
        await using LiveHost host = await LiveHost.Start(runs: "empty");
        File.WriteAllText(host.Folder("book.txt"), string.Concat(Enumerable.Repeat("the cat sat on the mat and the dog ran to the cat. ", 60)));
        (await CliRun.Of(
            "train", "--data", host.Folder("book.txt"), "--preset", "tiny", "--threads", "1", "--steps", "4", "--checkpoint-every", "2", "--eval-every", "2",
            "--sample-tokens", "0", "--out", host.Folder("run"))).Succeeded();
        Directory.CreateDirectory(Path.Combine(host.Folder("run"), "checkpoints", "step-000099"));
        using JsonDocument json = JsonDocument.Parse((await host.Get("checkpoints")).Text);
        JsonElement[] checkpoints = [.. json.RootElement.GetProperty("checkpoints").EnumerateArray()];
        Assert.Equal([("run", "step-000002", 2), ("run", "step-000004", 4)], checkpoints.Select(item =>
            (item.GetProperty("run").GetString()!, item.GetProperty("name").GetString()!, item.GetProperty("step").GetInt32())));
        JsonElement best = Assert.Single(checkpoints, item => item.GetProperty("best").GetBoolean());
        double[] losses = [.. checkpoints.Select(item => item.GetProperty("validationLoss").GetDouble())];
        Assert.NotEqual(losses[0], losses[1]);
        Assert.Equal(losses.Min(), best.GetProperty("validationLoss").GetDouble());
        Assert.All(checkpoints, item => Assert.True(item.GetProperty("validationLoss").GetDouble() > 0 && item.GetProperty("finite").GetBoolean()));
        Assert.Equal(4, JsonDocument.Parse((await host.Get("loss/run")).Text).RootElement.GetProperty("points").GetArrayLength());
        Assert.Empty(host.Notes);
    }

    [Fact]
    public async Task Index_OfSeveralRuns_ShowsThemAllAndLaterOnes()
    {
        await using LiveHost host = await LiveHost.Start();
        Assert.Contains("There is no run yet", (await host.Get("")).Text, StringComparison.Ordinal);
        host.Begin("a & b");
        host.Begin("<i>");
        File.AppendAllLines(host.Metrics("a & b"), [LiveHost.Step(1), LiveHost.Step(17, 1.25)]);
        string index = (await host.Get("")).Text;
        Assert.Contains("http-equiv=\"refresh\" content=\"5\"", index, StringComparison.Ordinal);
        Assert.Contains("<a href=\"/run/a%20%26%20b\">a &amp; b</a><td>17<td>1.2500", index, StringComparison.Ordinal);
        Assert.Contains(">&lt;i&gt;</a>", index, StringComparison.Ordinal);
        Assert.Equal(200, (await host.Get("run/a%20%26%20b")).Status);
        Assert.Equal(200, (await host.Get("compare")).Status);
        host.Begin("later");
        Assert.Contains("/run/later", (await host.Get("")).Text, StringComparison.Ordinal);
        using EventClient client = await (await EventClient.Open(host.Client, "events/later")).Ready();
        File.AppendAllLines(host.Metrics("later"), [LiveHost.Step(1)]);
        Assert.Equal(LiveHost.Step(1), (await client.Next())!.Data);
    }

    [Fact]
    public async Task Reading_OfOneRequest_MakesOthersWait()
    {
        await using LiveHost host = await LiveHost.Start(runs: ["run", "other"]);
        await host.Server.Site.Reading.WaitAsync();
        foreach (string path in (string[])["", "run/run", "compare", "data/run", "loss/run", "samples/run", "checkpoints"])
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(250));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Client.GetAsync(path, patience.Token));
        }
        host.Server.Site.Reading.Release();
        Assert.Equal(200, (await host.Get("data/run")).Status);
    }

    [Fact]
    public async Task Compare_OfManyRuns_SaysThatItDoesNotFollowThem()
    {
        await using LiveHost host = await LiveHost.Start(runs: ["a", "b", "c", "d"]);
        Assert.Contains("new EventSource", (await host.Get("compare")).Text, StringComparison.Ordinal);
        host.Begin("e");
        string page = (await host.Get("compare")).Text;
        Assert.Contains("\"note\":\"Not followed, since there are more than 4 runs", page, StringComparison.Ordinal);
        Assert.DoesNotContain("new EventSource", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("loss/nothing")]
    [InlineData("loss/")]
    [InlineData("loss/run/")]
    [InlineData("loss/run/metrics.jsonl")]
    [InlineData("run/metrics.jsonl")]
    [InlineData("secret/run")]
    [InlineData("data/../run")]
    [InlineData("data/.")]
    [InlineData("data/%2e%2e%2fsecret")]
    [InlineData("data/..%2fsecret")]
    [InlineData("data/..%5csecret")]
    [InlineData("data/%2e%2e/secret")]
    [InlineData("data/%252e%252e%252fsecret")]
    [InlineData("data//etc/passwd")]
    [InlineData("data/run%00")]
    public async Task Request_ForWhatIsNoRunOfTheList_IsNotFound(string path)
    {
        await using LiveHost host = await LiveHost.Start(runs: ["run", "other"]);
        string status = await Raw(host, $"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        Assert.Matches("^HTTP/1.1 40[04] ", status);
    }

    [Theory]
    [InlineData("127.0.0.1", 200)]
    [InlineData("127.0.0.1:8420", 200)]
    [InlineData("localhost:1", 200)]
    [InlineData("LOCALHOST", 200)]
    [InlineData("[::1]:8420", 200)]
    [InlineData("evil.example", 403)]
    [InlineData("127.0.0.1.evil.example", 403)]
    [InlineData("localhost.evil.example:8420", 403)]
    [InlineData("192.168.1.7", 403)]
    [InlineData("0.0.0.0", 403)]
    [InlineData("", 403)]
    public async Task Host_ThatOthersCanOwn_IsRefused(string hostHeader, int expected)
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        string answer = await Raw(host, $"GET /loss/run HTTP/1.1\r\nHost: {hostHeader}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {expected} ", answer, StringComparison.Ordinal);
        Assert.Equal(expected == 200, answer.Contains("points", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    public async Task Methods_ThatCouldChangeSomething_AreRefused(string method)
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        using HttpResponseMessage response = await host.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), "loss/run"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow);
    }

    [Theory]
    [InlineData("")]
    [InlineData("loss/run")]
    [InlineData("events/run")]
    [InlineData("checkpoints")]
    public async Task Head_HasHeadersOnly(string path)
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        using HttpResponseMessage response = await host.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(0, host.Server.Site.Streams);
    }

    [Fact]
    public async Task Answers_AreNeitherKeptNorOpenToOtherSites()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        foreach (string path in (string[])["", "loss/run", "nothing"])
        {
            using HttpResponseMessage response = await host.Client.GetAsync(path);
            Assert.Equal("no-store", response.Headers.CacheControl?.ToString());
            Assert.Equal(["nosniff"], response.Headers.GetValues("X-Content-Type-Options"));
            Assert.Contains("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Equal(["same-origin"], response.Headers.GetValues("Cross-Origin-Resource-Policy"));
            Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
            Assert.False(response.Headers.Contains("Server"));
        }
    }

    [Theory]
    [InlineData("cross-site", "no-cors", 403)]
    [InlineData("same-site", "cors", 403)]
    [InlineData("cross-site", "navigate", 200)]
    [InlineData("same-origin", "cors", 200)]
    [InlineData("none", "navigate", 200)]
    public async Task OtherSites_MayLinkButNotRead(string site, string mode, int expected)
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        using var request = new HttpRequestMessage(HttpMethod.Get, "loss/run");
        request.Headers.Add("Sec-Fetch-Site", site);
        request.Headers.Add("Sec-Fetch-Mode", mode);
        using HttpResponseMessage response = await host.Client.SendAsync(request);
        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Fact]
    public async Task Failure_IsToldOnce_AndTheServerGoesOn()
    {
        await using LiveHost host = await LiveHost.Start(runs: ["run", "other"]);
        // A line longer than any of Andrea's, made of nothing.
        using (FileStream file = File.OpenWrite(host.Metrics("run")))
            file.SetLength(1 << 27);
        for (int i = 0; i < 3; i++)
        {
            (int status, string text) = await host.Get("loss/run");
            Assert.Equal(500, status);
            Assert.Contains("64 MiB", text, StringComparison.Ordinal);
        }
        Assert.Contains("64 MiB", Assert.Single(host.Notes), StringComparison.Ordinal);
        Assert.Equal(200, (await host.Get("loss/other")).Status);
        File.WriteAllText(host.Metrics("run"), LiveHost.Step(1) + "\n");
        Assert.Equal(200, (await host.Get("loss/run")).Status);
    }

    [Fact]
    public async Task Port_InUse_ExplicitIsAnError_DefaultTakesTheNext()
    {
        await using LiveHost host = await LiveHost.Start();
        Task<LiveServer> again = LiveServer.StartAsync(new RunList(), LiveAddress.Loopback, host.Server.Port, "--live", _ => { });
        string message = (await Assert.ThrowsAsync<CommandException>(() => again)).Message;
        Assert.Equal($"Port {host.Server.Port} is in use already; choose another with --live, or 0 for any that is free.", message);

        await using LiveServer first = await LiveServer.StartAsync(new RunList(), LiveAddress.Loopback, port: null, "--live", _ => { });
        await using LiveServer second = await LiveServer.StartAsync(new RunList(), LiveAddress.Loopback, port: null, "--live", _ => { });
        Assert.InRange(first.Port, LiveServer.DefaultPort, LiveServer.DefaultPort + 18);
        Assert.InRange(second.Port, first.Port + 1, LiveServer.DefaultPort + 19);
        Assert.Equal($"http://127.0.0.1:{second.Port}/", second.Url);
    }

    [Fact]
    public async Task Address_OfNoInterface_IsOneSentence()
    {
        LiveAddress address = LiveAddress.TryParse("203.0.113.77")!;
        Task<LiveServer> start = LiveServer.StartAsync(new RunList(), address, 0, "--port", _ => { });
        Assert.Contains("203.0.113.77", (await Assert.ThrowsAsync<CommandException>(() => start)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", "localhost 127.0.0.1 ::1", "192.168.1.7 gpu.example")]
    [InlineData("192.168.1.7", "localhost 127.0.0.1 192.168.1.7", "192.168.1.8 gpu.example")]
    [InlineData("0.0.0.0", "localhost 192.168.1.7 [fe80::1]", "gpu.example")]
    [InlineData("::", "localhost 192.168.1.7 [fe80::1]", "gpu.example")]
    public void Address_AllowsItsOwnNamesOnly(string text, string allowed, string refused)
    {
        LiveAddress address = LiveAddress.TryParse(text)!;
        Assert.All(allowed.Split(' '), host => Assert.True(address.Allows(host), host));
        Assert.All(refused.Split(' '), host => Assert.False(address.Allows(host), host));
        Assert.Equal(!address.IsLoopback, address.Allows(Environment.MachineName));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("gpu.example")]
    [InlineData("256.1.1.1")]
    [InlineData("127.0.0.1:80")]
    public void Address_OfSomethingElse_IsNone(string text) => Assert.Null(LiveAddress.TryParse(text));

    private static async Task<string> Raw(LiveHost host, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, host.Server.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync();
    }
}
