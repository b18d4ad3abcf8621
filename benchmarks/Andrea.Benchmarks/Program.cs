using Andrea.Benchmarks;
using BenchmarkDotNet.Running;

try
{
    switch (args.FirstOrDefault())
    {
        case "presets":
            Reports.Presets();
            return 0;
        case "bandwidth":
            Reports.MeasureBandwidth(new Arguments(args.AsSpan(1)));
            return 0;
        case "fma":
            Reports.MeasureFma(new Arguments(args.AsSpan(1)));
            return 0;
        case "diagnosis":
            DiagnosisReport.Measure(new Arguments(args.AsSpan(1)));
            return 0;
        case "tokenizer":
            TokenizerReport.Measure(new Arguments(args.AsSpan(1)));
            return 0;
        case "torchsharp":
#if TORCHSHARP
            TorchSharpReport.Measure(new Arguments(args.AsSpan(1)));
            return 0;
#else
            Console.Error.WriteLine("Built without TorchSharp. Build with -p:TorchSharp=cpu or -p:TorchSharp=cuda.");
            return 2;
#endif
        case { } verb when !verb.StartsWith('-'):
            Console.Error.WriteLine(
                $"There is no verb '{verb}'. Choose presets, bandwidth, fma, diagnosis, tokenizer or torchsharp, "
                + "or give BenchmarkDotNet's options, such as --filter '*GradClip*'.");
            return 2;
    }
}
catch (ArgumentException wrong)
{
    Console.Error.WriteLine(wrong.Message);
    return 2;
}
catch (OutOfMemoryException)
{
    Console.Error.WriteLine("There is not enough memory for that.");
    return 1;
}

// One class answers one question; "--list flat" names them, "--filter *MatMul*" runs some.
return BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args).Any(summary => summary.HasCriticalValidationErrors) ? 1 : 0;
