using Andrea.Cli.Live;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli.Live;

/// <summary>A server over a folder of runs, on a port of its own.</summary>
internal sealed class LiveHost : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _notes = [];

    private LiveHost()
    {
    }

    public LiveServer Server { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>What the server told the user.</summary>
    public IReadOnlyList<string> Notes => _notes;

    public static async Task<LiveHost> Start(LiveAddress? address = null, TimeSpan? patience = null, params string[] runs)
    {
        var host = new LiveHost();
        foreach (string run in runs)
            host.Begin(run);
        host.Server = await LiveServer.StartAsync(RunList.Below(host._folder.Path), address ?? LiveAddress.Loopback, port: 0, "--port", host._notes.Add, patience);
        host.Client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{host.Server.Port}/") };
        return host;
    }

    /// <summary>Makes a run's folder.</summary>
    public void Begin(string run)
    {
        Directory.CreateDirectory(_folder[run]);
        File.WriteAllText(Metrics(run), "");
    }

    public string Folder(string run) => _folder[run];

    public string Metrics(string run) => Path.Combine(_folder[run], "metrics.jsonl");

    public string Gradients(string run) => Path.Combine(_folder[run], "gradients.jsonl");

    public async Task<(int Status, string Text)> Get(string path)
    {
        using HttpResponseMessage response = await Client.GetAsync(path);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
        _folder.Dispose();
    }

    public static string Step(int step, double loss = 2) =>
        FormattableString.Invariant($$"""{"step":{{step}},"loss":{{loss}},"norm":1,"normAfter":1,"coefficient":1,"clipRate":0,"skipped":false,"lr":0.001,"tokens":64,"ms":10}""");
}

/// <summary>One server-sent event.</summary>
internal sealed record SentEvent(string Type, string Data, string? Id);

/// <summary>A client of server-sent events.</summary>
internal sealed class EventClient : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(1));
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventClient(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _reader = new StreamReader(stream);
    }

    /// <summary>The id of the latest event.</summary>
    public string? LastId { get; private set; }

    public static async Task<EventClient> Open(HttpClient client, string path, string? lastId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastId is not null)
            request.Headers.Add("Last-Event-ID", lastId);
        HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new EventClient(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>Waits for the place of the stream to be told, so that what is written from now on is news.</summary>
    public async Task<EventClient> Ready()
    {
        while (LastId is null)
            _ = await NextBlock();
        return this;
    }

    /// <summary>The next event; null when the server has closed the stream.</summary>
    public async Task<SentEvent?> Next()
    {
        while (await NextBlock() is { } block)
            if (block.Data.Length > 0)
                return block;
        return null;
    }

    public async Task<List<SentEvent>> Next(int count)
    {
        var events = new List<SentEvent>();
        while (events.Count < count)
            events.Add(await Next() ?? throw new EndOfStreamException($"only {events.Count} of {count} events came"));
        return events;
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
        _limit.Dispose();
    }

    private async Task<SentEvent?> NextBlock()
    {
        string type = "message", data = "";
        while (await _reader.ReadLineAsync(_limit.Token) is { } line)
        {
            if (line.Length == 0)
                return new SentEvent(type, data, LastId);
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string value = line[(colon + 1)..].TrimStart(' ');
            switch (line[..colon])
            {
                case "event":
                    type = value;
                    break;
                case "data":
                    data += value;
                    break;
                case "id":
                    LastId = value;
                    break;
            }
        }
        return null;
    }
}
