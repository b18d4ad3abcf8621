using System.Net;
using System.Net.Sockets;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

/// <summary>An OpenTelemetry receiver on this machine that keeps what it is sent; reads the messages of opentelemetry-proto as far as tests need.</summary>
internal sealed class OtlpReceiver : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly List<(string Path, byte[] Body)> _requests = [];
    private readonly Task _work;
    private readonly int _status;

    public OtlpReceiver(int status = 200)
    {
        _status = status;
        Url = $"http://127.0.0.1:{FreePort()}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _work = Work();
    }

    public string Url { get; }

    /// <summary>Latest value of each metric, by its name and tags, such as "andrea.spikes quantity=loss"; a histogram's is its count.</summary>
    public Dictionary<string, double> Metrics()
    {
        var latest = new Dictionary<string, double>();
        foreach (ProtoFields metric in Bodies("/v1/metrics", 1).SelectMany(scope => scope.Messages(2)))
        {
            // Metric { name = 1; gauge = 5; sum = 7; histogram = 9 }, each { data_points = 1 }
            foreach (int kind in (int[])[5, 7])
                if (metric.Has(kind))
                    foreach (ProtoFields point in metric.Message(kind).Messages(1))
                        latest[metric.Text(1) + Tags(point, 7)] = point.Has(4) ? point.Double(4) : point.Fixed64(6);
            if (metric.Has(9))
                foreach (ProtoFields point in metric.Message(9).Messages(1))
                    latest[metric.Text(1)] = point.Fixed64(4);
        }
        return latest;
    }

    /// <summary>Names of all spans. Span { name = 5 }.</summary>
    public string[] Spans() => [.. Bodies("/v1/traces", 1).SelectMany(scope => scope.Messages(2)).Select(span => span.Text(5))];

    /// <summary>Attributes of the resource that metrics were sent for.</summary>
    public string Resource() => Tags(ProtoFields.Parse(_requests.First(request => request.Path == "/v1/metrics").Body).Messages(1).First().Message(1), 1);

    public void Dispose()
    {
        _listener.Stop();
        _work.Wait();
        _listener.Close();
    }

    public static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    /// <summary>Scopes of all requests: ExportServiceRequest { resource_… = 1 { scope_… = 2 } }, where scope = 1 { name = 1 } must be Andrea's.</summary>
    private List<ProtoFields> Bodies(string path, int resources)
    {
        lock (_requests)
            return
            [
                .. from request in _requests
                   where request.Path == path
                   from resource in ProtoFields.Parse(request.Body).Messages(resources)
                   from scope in resource.Messages(2)
                   where scope.Message(1).Text(1) == "Andrea"
                   select scope,
            ];
    }

    /// <summary>KeyValue { key = 1; value = 2 { string_value = 1 } }.</summary>
    private static string Tags(ProtoFields message, int field) => string.Concat(
        message.Messages(field).Where(tag => tag.Message(2).Has(1)).Select(tag => $" {tag.Text(1)}={tag.Message(2).Text(1)}"));

    private async Task Work()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            lock (_requests)
                _requests.Add((context.Request.Url!.AbsolutePath, body.ToArray()));
            context.Response.StatusCode = _status;
            context.Response.Close();
        }
    }
}
