using Microsoft.Playwright;

namespace Andrea.Tests.Reporting;

/// <summary>The machine's Chromium without a window, for tests of pages. Shared by the tests of a class.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private const string PathVariable = "ANDREA_CHROMIUM";

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A fresh page that notes what goes wrong; without a Chromium the test skips, visibly, or fails under CI.</summary>
    public async Task<WatchedPage> OpenAsync(int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        string? executable = Find();
        if (executable is null)
        {
            const string Reason = $"There is no chromium on this machine (apt-get install chromium, or name one in {PathVariable}), so no page was opened.";
            if (Environment.GetEnvironmentVariable("CI") is "true" or "1")
                Assert.Fail(Reason);
            Assert.Skip(Reason);
        }
        _playwright ??= await Playwright.CreateAsync();
        // The sandbox refuses to work for root, as in containers; the pages are our own.
        _browser ??= await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = executable, Args = ["--no-sandbox"] });
        return await WatchedPage.OpenAsync(_browser, width, scheme);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } named)
            return named;
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        string[] names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome.exe"];
        return names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
    }
}

/// <summary>A page, with everything it complained of and every request it made.</summary>
public sealed class WatchedPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;

    private WatchedPage(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    public IPage Page { get; }

    /// <summary>Errors and warnings of the console, exceptions nobody caught, requests to anywhere but the file itself.</summary>
    public List<string> Complaints { get; } = [];

    public static async Task<WatchedPage> OpenAsync(IBrowser browser, int width, ColorScheme scheme)
    {
        IBrowserContext context = await browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = 900 },
            ColorScheme = scheme,
            ReducedMotion = ReducedMotion.Reduce,
        });
        var watched = new WatchedPage(context, await context.NewPageAsync());
        watched.Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                watched.Complaints.Add($"{message.Type}: {message.Text}");
        };
        watched.Page.PageError += (_, error) => watched.Complaints.Add($"exception: {error}");
        watched.Page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("data:", StringComparison.Ordinal) && !request.Url.StartsWith("file:", StringComparison.Ordinal))
                watched.Complaints.Add($"request: {request.Url}");
        };
        return watched;
    }

    public async Task<WatchedPage> GoToFile(string path)
    {
        await Page.GotoAsync(new Uri(path).AbsoluteUri);
        await Page.WaitForFunctionAsync("window.andrea !== undefined");
        return this;
    }

    /// <summary>The value of an expression of JavaScript.</summary>
    public Task<T> Value<T>(string expression) => Page.EvaluateAsync<T>(expression);

    public ValueTask DisposeAsync() => _context.DisposeAsync();
}
