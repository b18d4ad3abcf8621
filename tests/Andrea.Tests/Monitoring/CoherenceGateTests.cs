using Andrea.Monitoring;

namespace Andrea.Tests.Monitoring;

/// <summary>What the coherence gate counts.</summary>
public class CoherenceGateTests
{
    [Fact]
    public void Options_Defaults_AreTheDocumentedOnes() => Assert.Equal(
        new CoherenceGateOptions { Every = 100, Tokens = 420, Threshold = 30, InARow = 5 }, new CoherenceGateOptions());

    [Fact]
    public void Add_AScoreThatIsNotLow_BeginsTheCountAnew()
    {
        var gate = new CoherenceGate(new CoherenceGateOptions());
        (double Total, int Count, bool Halts)[] looks =
        [
            (29.9, 1, false), (0, 2, false), (29, 3, false), (10, 4, false), (30, 0, false), // 30 itself is not low
            (29.9, 1, false), (0, 2, false), (90, 0, false),
            (0, 1, false), (0, 2, false), (0, 3, false), (0, 4, false), (0, 5, true),
        ];
        foreach ((double total, int count, bool halts) in looks)
        {
            gate.Add(new CoherenceScore(total, 0, 0, 0));
            Assert.Equal((count, halts), (gate.LowInARow, gate.Halts));
        }
    }
}
