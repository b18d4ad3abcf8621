using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class AttentionGoldenTests
{
    private const string FileName = "attention.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attention_GoldenCase_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        (int batch, int tokenCount, int heads, int headSize) = SizesOf(golden);
        using var device = TestDevice.Open(deviceName);
        Tensor qkv = device.Tensor(golden.Input("qkv")), dOutput = device.Tensor(golden.Input("dOutput"));
        Tensor output = device.Poisoned(batch, tokenCount, heads, headSize), logSumExp = device.Poisoned(batch, heads, tokenCount);
        Tensor dQkv = device.Poisoned(qkv.Length);

        device.Backend.AttentionForward(qkv, batch, tokenCount, heads, headSize, output, logSumExp);
        device.Backend.AttentionBackward(dOutput, qkv, output, logSumExp, batch, tokenCount, heads, headSize, dQkv);

        Tolerance tolerance = LimitOf(golden);
        golden.AssertClose("output", tolerance, output.ToArray());
        golden.AssertClose("logSumExp", tolerance, logSumExp.ToArray());
        golden.AssertClose("dQkv", tolerance, dQkv.ToArray());
    }

    /// <summary>Token by token over a key/value cache gives what the whole sequence at once gives.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void AttentionDecode_GoldenCaseTokenByToken_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        (int batch, int tokenCount, int heads, int headSize) = SizesOf(golden);
        int width = heads * headSize, longest = tokenCount + 2;
        float[] qkv = golden.Input("qkv"), outputs = new float[batch * tokenCount * width];
        using var device = TestDevice.Open(deviceName);
        Tensor tokenQkv = device.Zeros(3, heads, headSize), tokenOutput = device.Poisoned(heads, headSize);
        Tensor keyCache = device.Poisoned(heads, longest, headSize), valueCache = device.Poisoned(heads, longest, headSize);

        for (int row = 0; row < batch * tokenCount; row++)
        {
            tokenQkv.CopyFrom(qkv.AsSpan(row * 3 * width, 3 * width));
            device.Backend.AttentionDecode(tokenQkv, row % tokenCount, heads, headSize, keyCache, valueCache, tokenOutput);
            tokenOutput.CopyTo(outputs.AsSpan(row * width, width));
        }

        golden.AssertClose("output", LimitOf(golden), outputs);
    }

    /// <summary>A score above 88 carries an error of 4e-6 in float32, and its exponential the same share of itself.</summary>
    private static Tolerance LimitOf(GoldenCase golden) =>
        golden.Name == "scores whose exponentials overflow" ? Tolerance.Chained : Tolerance.Accumulated;

    private static (int Batch, int TokenCount, int Heads, int HeadSize) SizesOf(GoldenCase golden) =>
        (golden.Integer("batch"), golden.Integer("tokens"), golden.Integer("heads"), golden.Integer("headSize"));
}
