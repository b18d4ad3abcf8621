using System.Globalization;
using System.Text.Json.Nodes;
using Andrea.Tests.Support;
using static System.FormattableString;

namespace Andrea.Tests.Reporting;

/// <summary>Run folders with known content: a loss that falls, a NaN at one step, a tensor that dies.</summary>
internal static class PlantedRun
{
    public const int Steps = 40, NaNStep = 20, DeadFrom = 31;

    public static readonly string[] Tensors = ["wte", "h.0.w", "h.1.w", "ln_f"];

    /// <summary>To 4 decimals, so that the snapshot, which has 6 digits, is exact.</summary>
    public static double LossOf(int step) => Math.Round(1 + 4.0 / step, 4);

    /// <summary>Every tenth step is clipped to a quarter, the fifth first; not finite at <see cref="NaNStep"/>.</summary>
    public static bool IsClipped(int step) => step % 10 == 5;

    public static double NormOf(int step) => step == NaNStep ? double.NaN : IsClipped(step) ? 4 : 0.5;

    public static double NormAfterOf(int step) => step == NaNStep ? double.NaN : IsClipped(step) ? 1 : 0.5;

    /// <summary>Share of the clipped steps so far.</summary>
    public static double ClipRateOf(int step) => Math.Round((step + 5) / 10 / (double)step, 4);

    /// <summary>Falls from step to step.</summary>
    public static double RateOf(int step, double rate = 0.01) => Math.Round(rate * (1 - step / 100_000.0), 8);

    /// <summary>Milliseconds of a step of 100 tokens.</summary>
    public static double TimeOf(int step) => step % 2 == 0 ? 50 : 40;

    public static double ValidationLossOf(int step) => Math.Round(LossOf(step) + 0.1, 4);

    /// <summary>Update to weight of a tensor, and of its group; other steps than every tenth have none.</summary>
    public static double UpdateRatioOf(int step, int tensor) => Math.Round(0.001 * (tensor + 1) * (1 + step / 100.0), 6);

    /// <summary>What gradients.jsonl says of a tensor; NaN at <see cref="NaNStep"/> in h.0.w, 0 from <see cref="DeadFrom"/> on in h.1.w.</summary>
    public static double NormOf(int step, int tensor) => (step, tensor) switch
    {
        (NaNStep, 1) => double.NaN,
        ( >= DeadFrom and < 1000, 2) => 0,
        _ => Math.Round(Math.Pow(10, -tensor) * (1 + step % 3), 6),
    };

    /// <summary>Writes all three files.</summary>
    /// <returns>The run's folder.</returns>
    public static string Write(TemporaryFolder folder, string name = "planted", int steps = Steps, double rate = 0.01, string sample = "once upon a time")
    {
        string run = folder[name];
        Directory.CreateDirectory(run);
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), Metrics(steps, rate, sample));
        File.WriteAllLines(Path.Combine(run, "gradients.jsonl"), Gradients(steps));
        File.WriteAllText(Path.Combine(run, "run.json"), Description(name, steps, rate));
        return run;
    }

    public static IEnumerable<string> Metrics(int steps, double rate, string sample)
    {
        for (int step = 1; step <= steps; step++)
        {
            bool isBad = step == NaNStep;
            string norm = Number(NormOf(step)), after = Number(NormAfterOf(step));
            string bad = isBad ? ",\"firstBadTensor\":\"h.0.w\",\"firstBadIndex\":7" : "";
            string loss = isBad ? "\"NaN\"" : Number(LossOf(step));
            yield return Invariant($"{{\"step\":{step},\"loss\":{loss},\"norm\":{norm},\"normAfter\":{after},\"coefficient\":{(IsClipped(step) ? "0.25" : "1")},\"clipRate\":{ClipRateOf(step)},\"skipped\":{(isBad ? "true" : "false")}{bad},\"lr\":{RateOf(step, rate)},\"tokens\":100,\"ms\":{TimeOf(step)}}}");
            if (step % 10 == 0)
                yield return Invariant($"{{\"step\":{step},\"validationLoss\":{Number(ValidationLossOf(step))},\"best\":true}}");
            if (step == 15)
                yield return """{"step":15,"spike":"norm","value":4,"z":"Infinity","median":0.5}""";
            if (step == NaNStep)
                yield return """{"step":20,"verdict":"NonFinite","since":20,"summary":"The gradient of h.0.w is NaN.","remedy":"Clip harder.","tensors":["h.0.w"]}""";
            if (step == 30)
                yield return new JsonObject { ["step"] = step, ["coherence"] = 64, ["repetition"] = 0.25, ["sample"] = sample }.ToJsonString();
        }
        yield return Invariant($"{{\"step\":{steps},\"checkpoint\":\"step-{steps:d6}\"}}");
    }

    public static IEnumerable<string> Gradients(int steps)
    {
        yield return """{"step":0,"tensors":["wte","h.0.w","h.1.w","ln_f"],"lengths":[1000,200,200,10],"depths":[null,0,1,null]}""";
        for (int step = 1; step <= steps; step++)
        {
            string norms = Row(tensor => NormOf(step, tensor)), bad = step == NaNStep ? ",\"nonFinite\":[0,3,0,0],\"firstNonFinite\":[-1,7,-1,-1]" : "";
            string updates = step % 10 == 0
                ? $",\"weight\":{Row(tensor => 2)},\"update\":{Row(tensor => 2 * UpdateRatioOf(step, tensor))},\"rms\":{Row(_ => 1)},\"vRatio\":{Row(_ => 1.5)}"
                : "";
            yield return Invariant($"{{\"step\":{step},\"coefficient\":1,\"skipped\":{(step == NaNStep ? "true" : "false")},\"norm\":{norms},\"max\":{norms}{bad}{updates}}}");
        }
    }

    private static string Description(string name, int steps, double rate) => new JsonObject
    {
        ["name"] = name,
        ["started"] = "2026-01-02T03:04:05.678+00:00",
        ["andrea"] = "0.1.0",
        ["device"] = "a device",
        ["machine"] = new JsonObject { ["processor"] = "a processor", ["cores"] = 2 },
        ["parameters"] = 1410,
        ["config"] = new JsonObject { ["layerCount"] = 2 },
        ["options"] = new JsonObject { ["steps"] = steps, ["learningRate"] = rate, ["clip"] = new JsonObject { ["maxNorm"] = 1 } },
        ["tokenizer"] = new JsonObject { ["kind"] = "char", ["vocabularySize"] = 65 },
    }.ToJsonString();

    private static string Row(Func<int, double> value) => $"[{string.Join(',', Enumerable.Range(0, Tensors.Length).Select(tensor => Number(value(tensor))))}]";

    private static string Number(double value) => double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : $"\"{value.ToString(CultureInfo.InvariantCulture)}\"";
}
