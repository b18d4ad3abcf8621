using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class EmbeddingGoldenTests
{
    private const string FileName = "embedding.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Embedding_GoldenCase_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        int batch = golden.Integer("batch"), tokenCount = golden.Integer("tokens"), channels = golden.Integer("channels");
        using var device = TestDevice.Open(deviceName);
        DeviceBuffer<int> tokens = device.Tokens(golden.Integers("tokens"));
        Tensor tokenTable = device.Tensor(golden.Input("tokenTable")), positionTable = device.Tensor(golden.Input("positionTable"));
        Tensor output = device.Poisoned(batch, tokenCount, channels);

        device.Backend.EmbeddingForward(tokens, tokenTable, positionTable, golden.Integer("firstPosition"), batch, tokenCount, channels, output);
        golden.AssertClose("output", Tolerance.Elementwise, output.ToArray());

        if (!golden.HasOutput("dTokenTable"))
            return;
        float[] tokenStart = TestDevice.Normal(1, tokenTable.Length), positionStart = TestDevice.Normal(2, positionTable.Length);
        Tensor dTokenTable = device.Tensor(tokenStart), dPositionTable = device.Tensor(positionStart);
        Tensor dOutput = device.Tensor(golden.Input("dOutput"));
        device.Backend.EmbeddingBackward(dOutput, tokens, batch, tokenCount, channels, dTokenTable, dPositionTable);
        golden.AssertClose("dTokenTable", Tolerance.Elementwise, dTokenTable.ToArray(), tokenStart);
        golden.AssertClose("dPositionTable", Tolerance.Elementwise, dPositionTable.ToArray(), positionStart);
    }
}
