using BenchmarkDotNet.Running;

// One class answers one question; "--list flat" names them, "--filter *MatMul*" runs some.
return BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args).Any(summary => summary.HasCriticalValidationErrors) ? 1 : 0;
