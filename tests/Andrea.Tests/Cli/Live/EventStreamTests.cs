using System.Net.Sockets;
using System.Text;

namespace Andrea.Tests.Cli.Live;

public sealed class EventStreamTests
{
    [Fact]
    public async Task Lines_AppendedAfterConnecting_ComeOnceAndInOrder()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(1), LiveHost.Step(2)]);
        using EventClient client = await (await EventClient.Open(host.Client, "events/run")).Ready();
        for (int step = 3; step <= 40; step++)
        {
            // In two pieces, as a full buffer leaves them.
            string line = LiveHost.Step(step);
            File.AppendAllText(host.Metrics("run"), line[..10]);
            File.AppendAllText(host.Metrics("run"), line[10..] + "\n");
        }
        List<SentEvent> events = await client.Next(38);
        Assert.Equal(Enumerable.Range(3, 38).Select(step => LiveHost.Step(step)), events.Select(item => item.Data));
        Assert.All(events, item => Assert.Equal("metrics", item.Type));
        // The file that was not there yet.
        File.AppendAllLines(host.Gradients("run"), ["{\"step\":0}", "{\"step\":1}"]);
        Assert.Equal([("gradients", "{\"step\":0}"), ("gradients", "{\"step\":1}")], (await client.Next(2)).Select(item => (item.Type, item.Data)));
    }

    [Fact]
    public async Task Stream_FromThePlaceOfASnapshot_LosesAndDoublesNothing()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        string first = LiveHost.Step(1) + "\n";
        // Between snapshot and connection a line came, and half of another.
        File.WriteAllText(host.Metrics("run"), first + LiveHost.Step(2) + "\n" + LiveHost.Step(3)[..20]);
        File.WriteAllText(host.Gradients("run"), "{\"step\":0}\n{\"step\":1}\n");
        using EventClient client = await EventClient.Open(host.Client, $"events/run?metrics={first.Length}&gradients=0");
        Assert.Equal([LiveHost.Step(2), "{\"step\":0}", "{\"step\":1}"], (await client.Next(3)).Select(item => item.Data));
        File.AppendAllText(host.Metrics("run"), LiveHost.Step(3)[20..] + "\n");
        Assert.Equal(LiveHost.Step(3), (await client.Next())!.Data);
    }

    [Fact]
    public async Task Reconnecting_GoesOnAfterTheLastEventThatCame()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.AppendAllLines(host.Metrics("run"), Enumerable.Range(1, 30).Select(step => LiveHost.Step(step)));
        string id;
        using (EventClient client = await EventClient.Open(host.Client, "events/run?metrics=0&gradients=0"))
            id = (await client.Next(12))[^1].Id!;
        using EventClient again = await EventClient.Open(host.Client, "events/run?metrics=0&gradients=0", lastId: id);
        Assert.Equal(Enumerable.Range(13, 18).Select(step => LiveHost.Step(step)), (await again.Next(18)).Select(item => item.Data));
        using EventClient later = await EventClient.Open(host.Client, $"events/run?after={id}");
        Assert.Equal(Enumerable.Range(13, 18).Select(step => LiveHost.Step(step)), (await later.Next(18)).Select(item => item.Data));
    }

    [Fact]
    public async Task File_CutByAResume_IsAResetAndGoesOn()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.AppendAllLines(host.Metrics("run"), Enumerable.Range(1, 30).Select(step => LiveHost.Step(step)));
        using EventClient client = await EventClient.Open(host.Client, "events/run?metrics=0&gradients=0");
        string lastId = (await client.Next(30))[^1].Id!;
        File.WriteAllLines(host.Metrics("run") + ".tmp", Enumerable.Range(1, 20).Select(step => LiveHost.Step(step)));
        File.Move(host.Metrics("run") + ".tmp", host.Metrics("run"), overwrite: true);
        Assert.Equal("reset", (await client.Next())!.Type);
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(21, loss: 7)]);
        Assert.Equal(LiveHost.Step(21, loss: 7), (await client.Next())!.Data);
        // Who was away meanwhile is told, too.
        using EventClient again = await EventClient.Open(host.Client, "events/run?metrics=0&gradients=0", lastId);
        Assert.Equal("reset", (await again.Next())!.Type);
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(22)]);
        Assert.Equal(LiveHost.Step(22), (await again.Next())!.Data);
    }

    [Theory]
    [InlineData("metrics=1000000&gradients=0")]
    [InlineData("metrics=-5&gradients=0")]
    [InlineData("metrics=0&gradients=x")]
    [InlineData("after=0.0-0.0")]
    public async Task Stream_FromAPlaceThatIsNone_BeginsWithAReset(string place)
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(1)]);
        using EventClient client = await EventClient.Open(host.Client, $"events/run?{place}");
        Assert.Equal("reset", (await client.Next())!.Type);
    }

    [Fact]
    public async Task Lines_ThatAreNoneOfAndreas_CannotForgeEvents()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        File.WriteAllText(host.Metrics("run"), "x\rdata: forged\r\revent: reset\n\r\n\n{\"step\":1}\r\n");
        using EventClient client = await EventClient.Open(host.Client, "events/run?metrics=0&gradients=0");
        Assert.Equal("{\"step\":1}", (await client.Next())!.Data);
    }

    [Fact]
    public async Task EndOfTheServer_TellsTheLastLinesFirst()
    {
        LiveHost host = await LiveHost.Start(runs: "run");
        using EventClient client = await (await EventClient.Open(host.Client, "events/run")).Ready();
        File.AppendAllLines(host.Metrics("run"), Enumerable.Range(1, 1000).Select(step => LiveHost.Step(step)));
        Task end = host.Server.DisposeAsync().AsTask();
        List<SentEvent> events = await client.Next(1001);
        Assert.Equal(Enumerable.Range(1, 1000).Select(step => LiveHost.Step(step)), events[..^1].Select(item => item.Data));
        Assert.Equal("end", events[^1].Type);
        Assert.Null(await client.Next());
        await end;
        host.Client.Dispose();
    }

    [Fact]
    public async Task Client_ThatNeverReads_IsDropped_AndOthersGoOn()
    {
        // As long as in earnest: with less, a busy machine keeps the one that reads from reading in time.
        await using LiveHost host = await LiveHost.Start(patience: TimeSpan.FromSeconds(10), runs: "run");
        using EventClient reader = await (await EventClient.Open(host.Client, "events/run")).Ready();
        using var lazy = new TcpClient { ReceiveBufferSize = 4096 };
        await lazy.ConnectAsync("127.0.0.1", host.Server.Port);
        await lazy.GetStream().WriteAsync(Encoding.ASCII.GetBytes("GET /events/run HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await Until(() => host.Server.Site.Streams == 2, limit.Token);
        // More than the system's buffers of a connection hold.
        const int Lines = 400;
        string filling = new('x', 100_000);
        File.AppendAllLines(host.Metrics("run"), Enumerable.Range(1, Lines).Select(step => $"{{\"step\":{step},\"sample\":\"{filling}\"}}"));
        for (int step = 1; step <= Lines; step++)
            Assert.StartsWith($"{{\"step\":{step},", (await reader.Next())!.Data, StringComparison.Ordinal);
        await Until(() => host.Server.Site.Streams == 1, limit.Token);
        File.AppendAllLines(host.Metrics("run"), [LiveHost.Step(Lines + 1)]);
        Assert.Equal(LiveHost.Step(Lines + 1), (await reader.Next())!.Data);
        Assert.Empty(host.Notes);
    }

    [Fact]
    public async Task Client_ThatLeaves_IsForgotten()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        using (EventClient client = await (await EventClient.Open(host.Client, "events/run")).Ready())
            Assert.Equal(1, host.Server.Site.Streams);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await Until(() => host.Server.Site.Streams == 0, limit.Token);
    }

    [Fact]
    public async Task Streams_BeyondTheMost_AreRefusedUntilOneCloses()
    {
        await using LiveHost host = await LiveHost.Start(runs: "run");
        var clients = new List<EventClient>();
        for (int i = 0; i < Andrea.Cli.Live.LiveSite.MaxStreams; i++)
            clients.Add(await (await EventClient.Open(host.Client, "events/run")).Ready());
        (int status, string text) = await host.Get("events/run");
        Assert.Equal(503, status);
        Assert.Contains("close one", text, StringComparison.Ordinal);
        // Other requests are answered all the same.
        Assert.Equal(200, (await host.Get("loss/run")).Status);
        clients[0].Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await Until(() => host.Server.Site.Streams < Andrea.Cli.Live.LiveSite.MaxStreams, limit.Token);
        clients[0] = await (await EventClient.Open(host.Client, "events/run")).Ready();
        clients.ForEach(client => client.Dispose());
    }

    private static async Task Until(Func<bool> condition, CancellationToken limit)
    {
        while (!condition())
            await Task.Delay(20, limit);
    }
}
