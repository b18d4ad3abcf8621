using System.Xml.Linq;

namespace Andrea.Tests.Conventions;

/// <summary>What users read about a public method: what it returns, what it throws, and links that lead somewhere.</summary>
public class DocumentationTests
{
    /// <summary>Those that throw nothing, whatever they are given and whatever was disposed of.</summary>
    private static readonly string[] ThrowNothing =
    [
        "M:Andrea.Data.TokenDecoder.Flush",
        "M:Andrea.Data.Tokenizer.CreateDecoder",
        "M:Andrea.Device.Best",
        "M:Andrea.Device.Best(System.String@)",
        "M:Andrea.Device.Reference",
        "M:Andrea.Gpt.GptDecoder.Reset",
        "M:Andrea.Monitoring.GradientRecord.Copy",
        "M:Andrea.Monitoring.ObserverQueue.Flush",
        "M:Andrea.Monitoring.ObserverQueue.Flush(System.TimeSpan)",
        "M:Andrea.Monitoring.Sinks.MeterObserver.#ctor",
        "M:Andrea.Monitoring.Sinks.TensorBoardFile.DropAfter(System.Int64)",
        "M:Andrea.Tensors.TensorShape.ToArray",
        "M:Andrea.Training.AbsorptionMonitor.MeasureNext",
        "M:Andrea.Training.Trainer.RequestCheckpoint",
    ];

    private static readonly DocumentationRules Library = Rules<Device>();

    // This very class, with the examples below.
    private static readonly DocumentationRules Examples = Rules<DocumentationExample>();

    [Fact]
    public void Methods_OfTheLibrary_SayWhatTheyReturn() => AssertNone(Library.MethodsWithoutReturns(), "Add <returns> to the documentation of");

    [Fact]
    public void Methods_OfTheLibrary_SayWhatTheyThrow()
    {
        string[] silent = [.. Library.MethodsWithoutExceptions()];
        AssertNone(silent.Except(ThrowNothing), "Add an <exception> for each error, or, if there can be none, the name to DocumentationTests.ThrowNothing, for");
        AssertNone(ThrowNothing.Except(silent), "Take out of DocumentationTests.ThrowNothing what is gone by now, or documents an exception:");
    }

    [Fact]
    public void Links_OfPublicDocumentation_LeadToWhatUsersCanSee() =>
        AssertNone(Library.LinksToHiddenMembers(), "Say in words what the link is about, since users cannot follow it:");

    [Fact]
    public void Rules_PlantedOnes_AreFound()
    {
        string type = typeof(DocumentationExample).FullName!;
        Assert.Equal([$"M:{type}.Silent``1(``0[],System.Int32@)"], Examples.MethodsWithoutReturns().Where(IsExample));
        Assert.Equal(
            [$"M:{type}.#ctor(System.Collections.Generic.List{{System.Int32}})", $"M:{type}.Silent``1(``0[],System.Int32@)"],
            Examples.MethodsWithoutExceptions().Where(IsExample));
        Assert.Equal([$"P:{type}.Linked links to M:{type}.Hidden"], Examples.LinksToHiddenMembers().Where(IsExample));

        bool IsExample(string found) => found.Contains($"{type}.", StringComparison.Ordinal);
    }

    private static DocumentationRules Rules<T>() =>
        new(typeof(T).Assembly, XDocument.Load(Path.Combine(AppContext.BaseDirectory, typeof(T).Assembly.GetName().Name + ".xml")));

    private static void AssertNone(IEnumerable<string> found, string whatToDo)
    {
        string[] lines = [.. found];
        Assert.True(lines.Length == 0, $"{whatToDo}\n{string.Join('\n', lines)}");
    }
}

/// <summary>Members as the rules like them, and one of each kind as they do not.</summary>
public sealed class DocumentationExample : IDisposable
{
    /// <summary>Says no more than this.</summary>
    /// <param name="numbers">Some.</param>
    public DocumentationExample(List<int> numbers) => Linked = numbers.Count;

    /// <summary>See <see cref="Hidden"/>, and <see cref="Told"/>.</summary>
    public int Linked { get; }

    /// <summary>Says it all.</summary>
    /// <param name="number">Any but 0.</param>
    /// <returns>A number.</returns>
    /// <exception cref="DivideByZeroException">It is 0.</exception>
    public int Told(int number) => 1 / number + Hidden();

    /// <summary>Says neither what it returns nor what it throws.</summary>
    /// <param name="items">Some.</param>
    /// <param name="count">How many.</param>
    public TItem Silent<TItem>(TItem[] items, out int count)
    {
        count = items.Length;
        return items[Linked];
    }

    /// <inheritdoc cref="Told"/>
    public int Inherited(int number) => Told(number);

    /// <summary>The number.</summary>
    public override string ToString() => $"{Linked == 0}";

    /// <summary>Nothing.</summary>
    public void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Not for users.</summary>
    internal int Hidden() => Linked;
}
