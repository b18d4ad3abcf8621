using Andrea.Monitoring.Sinks;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Andrea.Cli.Telemetry;

/// <summary>Sends metrics and traces of a run to an OpenTelemetry receiver: OTLP as protobuf over HTTP, every ten seconds and at the end.</summary>
/// <remarks>
/// Exporters work on threads of their own, so a receiver that is slow or absent costs the run nothing; at the end it is waited for a few seconds. Headers and
/// other settings come from OpenTelemetry's usual environment variables, such as OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES.
/// </remarks>
internal sealed class OtlpExport : IDisposable
{
    private const int IntervalMs = 10_000;
    private const int AnswerLimitMs = 3000;

    private readonly Uri _url;
    private readonly Action<string> _note;
    private readonly DeliveryLog _log = new();
    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;

    /// <summary>Begins to listen; must come before the observers that publish, or their first values go to nobody.</summary>
    /// <param name="url">The receiver, without v1/metrics and v1/traces.</param>
    /// <param name="note">Tells the user, once, at the end, what could not be delivered.</param>
    public OtlpExport(Uri url, Action<string> note)
    {
        _url = url;
        _note = note;
        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService("andrea", serviceVersion: Versions.Andrea);
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter(MeterObserver.MeterName)
            .AddReader(new PeriodicExportingMetricReader(new OtlpMetricExporter(OptionsFor("v1/metrics")), IntervalMs, AnswerLimitMs))
            .Build();
        _traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(TraceObserver.SourceName)
            .SetSampler(new AlwaysOnSampler())
            .AddProcessor(new BatchActivityExportProcessor(new OtlpTraceExporter(OptionsFor("v1/traces"))))
            .Build();
    }

    /// <summary>Whether a text is the address of a receiver.</summary>
    public static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps);

    /// <summary>Delivers what is left, and says what could not be delivered. Waits a few seconds at most.</summary>
    public void Dispose()
    {
        _traces.Shutdown(AnswerLimitMs);
        _metrics.Shutdown(AnswerLimitMs);
        _traces.Dispose();
        _metrics.Dispose();
        _log.Dispose();
        if (_log.Complaint(_url) is { } complaint)
            _note(complaint);
    }

    private OtlpExporterOptions OptionsFor(string path) => new()
    {
        Protocol = OtlpExportProtocol.HttpProtobuf,
        Endpoint = new Uri(_url.AbsoluteUri.TrimEnd('/') + "/" + path),
        TimeoutMilliseconds = AnswerLimitMs,
        HttpClientFactory = () => new HttpClient(_log, disposeHandler: false) { Timeout = TimeSpan.FromMilliseconds(AnswerLimitMs) },
    };
}
