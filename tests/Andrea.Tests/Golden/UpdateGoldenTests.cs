using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

/// <summary>S3 and the stabilizers against numbers computed in double, apart from Andrea, from papers and authors' code: <c>golden_updates.py</c>.</summary>
public class UpdateGoldenTests
{
    private static readonly Dictionary<string, double[]> Expected = new()
    {
        ["s3"] = [0.4964709337071514, 0.5001041889581176, 0.49245510076804266, 0.5079019918365336, 0.4971725854059671, 0.49367765362279264, 0.514447817818614, 0.48751041002793327],
        ["s3-1"] = [0.4926519003659504, 0.49506865806798295, 0.450120958212249, 0.5299101759705539, 0.4821665415651669, 0.4776159995499649, 0.547566982240715, 0.45598336021430935],
        ["s3-2"] = [0.495489988013978, 0.4997179565731017, 0.48733600473907984, 0.5112612172320097, 0.4953776579241166, 0.4913471717447037, 0.5198370368114326, 0.48254993477748903],
        ["s3-4"] = [0.4969407530185112, 0.5001822276024046, 0.4941550957478831, 0.5065343769869657, 0.49778768703482673, 0.49461321487446613, 0.5121938885953202, 0.4895610039856915],
        ["rms"] = [0.4978849180867758, 0.4925701336338464, 0.48514037605848204, 0.5281517814118264, 0.48287350025732056, 0.47888854688643645, 0.5412652514135146, 0.4602696377571627],
        ["spam"] = [0.5075052539327313, 0.48670849583772124, 0.5152359481263753, 0.5305428570117174, 0.47917656309266216, 0.4833371292234455, 0.5261878774808526, 0.4749468186909376],
        ["spam-restart"] = [0.5075309373066479, 0.48669113042389234, 0.514308546765462, 0.5321797569821176, 0.479690662898462, 0.484496647554793, 0.5261242872786325, 0.47506621659396314],
        ["stable-spam"] = [0.49989612671649686, 0.48677636818208175, 0.48844663612587413, 0.5230844242591884, 0.48170959932442764, 0.48301138988347997, 0.541795999404461, 0.4562720690162932],
        ["stable-spam-reset"] = [0.507270629179324, 0.48484348946260275, 0.4959385365566389, 0.5308846167494055, 0.47857953049269847, 0.4907623841043719, 0.5201132419522353, 0.4726244247893911],
    };

    private static readonly SpamStabilizer Spam = new() { Threshold = 50, ResetEvery = 5, WarmupSteps = 3, GraceSteps = 2 };

    private static readonly Dictionary<string, OptimizerOptions> Options = new()
    {
        ["s3"] = new SoftSignOptions(),
        ["s3-1"] = new SoftSignOptions { Power = 1 },
        ["s3-2"] = new SoftSignOptions { Power = 2 },
        ["s3-4"] = new SoftSignOptions { Power = 4 },
        ["rms"] = new AdamWOptions { Beta2 = 0.99, Stabilizer = new UpdateRmsStabilizer() },
        ["spam"] = new AdamWOptions { Beta2 = 0.99, Stabilizer = Spam },
        ["spam-restart"] = new AdamWOptions { Beta2 = 0.99, Stabilizer = Spam with { RestartBiasCorrection = true } },
        ["stable-spam"] = new AdamWOptions { Beta2 = 0.99, Stabilizer = new StableSpamStabilizer { ResetEvery = 0 } },
        ["stable-spam-reset"] = new AdamWOptions { Beta2 = 0.99, Stabilizer = new StableSpamStabilizer { ResetEvery = 5 } },
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string device in (string[])["reference", "cpu-1", TestDevice.Emulator, TestDevice.Gpu])
                foreach (string name in Expected.Keys)
                    data.Add(device, name);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Parameters_AfterFourteenStepsWithASpike_AreTheGoldenOnes(string device, string name)
    {
        using TestDevice test = TestDevice.Open(device);
        using var parameters = new GradientSet([0.5f, 0.5f, 0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);
        using var gradients = new GradientSet(new float[5], new float[3]);
        ExternalTensors set = gradients.On(test);
        using var clipper = new GradClipper(test.Device, set, new GradClipperOptions { MaxNorm = double.PositiveInfinity });
        using Optimizer optimizer = Optimizer.Create(test.Device, parameters.On(test), set, Options[name] with { WeightDecay = 0 }, clipper);
        for (int step = 1; step <= 14; step++)
        {
            for (int tensor = 0; tensor < 2; tensor++)
                for (int i = 0; i < gradients.Values[tensor].Length; i++)
                    gradients.Values[tensor][i] = Gradient(step, tensor, i);
            gradients.Send();
            optimizer.Step(0.01);
        }
        parameters.Fetch();
        foreach ((double expected, float actual) in Expected[name].Zip(parameters.Values.SelectMany(tensor => tensor)))
            Assert.Equal(expected, actual, 2e-6);
    }

    [Fact]
    public void Cases_DifferFromPlainAdamW_ByMoreThanTheTolerance()
    {
        // Negative control: the comparison would see another method.
        foreach (string name in Expected.Keys)
            foreach (string other in Expected.Keys.Where(other => other != name))
                Assert.True(Expected[name].Zip(Expected[other]).Any(pair => Math.Abs(pair.First - pair.Second) > 1e-5), $"{name} and {other}");
    }

    /// <summary>As in the script; exact in float32.</summary>
    private static float Gradient(int step, int tensor, int index) =>
        ((((step * 7) + (tensor * 5) + (index * 13)) % 23) - 11) / 16f * ((step, tensor, index) == (8, 0, 2) ? 128 : 1);
}
