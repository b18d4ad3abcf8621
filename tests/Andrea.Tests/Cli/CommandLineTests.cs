using Andrea.Cli;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("", "train, watch, sample, report, tokenizer, replay, doctor, bench")]
    [InlineData("bench", "optimizer, step")]
    [InlineData("teach", "'teach'")]
    [InlineData("train books", "'books'")]
    [InlineData("train --setps 5", "'--setps'")]
    [InlineData("train --steps", "--steps")]
    [InlineData("train --steps many", "'many' is not a value of --steps; expected a whole number from 1 up")]
    [InlineData("train --steps 0", "from 1 up")]
    [InlineData("train --steps 99999999999999999999", "--steps")]
    [InlineData("train --batch -3", "'-3' is not a value of --batch; expected a whole number from 1 to")]
    [InlineData("train --batch 1.5", "--batch")]
    [InlineData("train --context 0", "--context")]
    [InlineData("train --lr fast", "'fast' is not a value of --lr; expected a finite number from 0 up")]
    [InlineData("train --lr NaN", "--lr")]
    [InlineData("train --lr inf", "--lr")]
    [InlineData("train --lr 1,5", "--lr")]
    [InlineData("train --max-norm -1", "'-1' is not a value of --max-norm; expected a number from 0 up, or inf")]
    [InlineData("train --max-norm NaN", "--max-norm")]
    [InlineData("train --seed -1", "--seed")]
    [InlineData("train --seed 18446744073709551616", "18446744073709551615")]
    [InlineData("train --threads 0", "--threads")]
    [InlineData("train --threads 1025", "1024")]
    [InlineData("train --device gpu", "choose one of auto, cpu, cuda")]
    [InlineData("train --gpu -1", "'-1' is not a value of --gpu; expected a whole number from 0 up")]
    [InlineData("train --device cpu --gpu 1", "--gpu is about GPUs, so it cannot be given with --device cpu")]
    [InlineData("sample run --device cpu --tf32", "--tf32 is about GPUs, so it cannot be given with --device cpu")]
    [InlineData("bench step --device cpu --no-cublas", "--no-cublas is about GPUs, so it cannot be given with --device cpu")]
    [InlineData("train --device cuda --threads 2", "--threads is about the CPU, so it cannot be given with --device cuda")]
    [InlineData("bench optimizer --gpu 0 --threads 2", "--threads is about the CPU, so it cannot be given with --gpu")]
    [InlineData("train --tf32 --no-cublas", "--tf32 needs cuBLASLt, so it cannot be given with --no-cublas")]
    [InlineData("train --preset huge", "There is no preset 'huge'; choose one of tiny, chars, andrea12m")]
    [InlineData("train --tokenizer word", "choose one of char, byte")]
    [InlineData("train --validation 1", "--validation")]
    [InlineData("train --schedule sine", "choose one of cosine, linear, constant, warmup-stable-decay")]
    [InlineData("train --clip-formula approximate", "exact, torch")]
    [InlineData("train --clip-policy median", "global, per-tensor, value, agc, zclip, adagc")]
    [InlineData("train --clip-policy agc --max-norm 0.5 --steps 1", "--max-norm does nothing with the clip policy agc")]
    [InlineData("train --clip-policy value --clip-formula torch --steps 1", "--clip-formula does nothing with the clip policy value")]
    [InlineData("train --non-finite ignore", "skip, propagate, throw")]
    [InlineData("train --lr 1e-3 --final-lr 1e-2", "0.01")]
    [InlineData("train --schedule warmup-stable-decay --steps 10 --decay-steps 11", "11")]
    [InlineData("train --resume run --preset tiny", "--preset cannot be given with --resume")]
    [InlineData("train --resume run --tokenizer byte", "--tokenizer cannot be given with --resume")]
    [InlineData("train --resume run --validation 0.2", "--validation cannot be given with --resume")]
    [InlineData("train --resume run --seed 2", "--seed cannot be given with --resume")]
    [InlineData("train --resume run --context 8", "--context cannot be given with --resume")]
    [InlineData("sample", "'sample'")]
    [InlineData("sample run --temperature -0.1", "--temperature")]
    [InlineData("sample run --top-k -1", "--top-k")]
    [InlineData("sample run --tokens 0", "--tokens")]
    [InlineData("bench optimizer --batch 2", "'--batch'")]
    [InlineData("bench step --reps 0", "--reps")]
    [InlineData("sample run --tokens 2147483648", "from 1 to 2147483647")]
    [InlineData("train --preset", "--preset")]
    [InlineData("train --out", "--out")]
    [InlineData("train --data", "--data")]
    [InlineData("train --schedule", "--schedule")]
    [InlineData("train --lr", "--lr")]
    [InlineData("sample run --prompt", "--prompt")]
    [InlineData("doctor now", "'now'")]
    [InlineData("report", "'report'")]
    [InlineData("report run --out", "--out")]
    public async Task WrongUsage_ExitsWith2AndSaysSoInOneLine(string arguments, string expected)
    {
        CliRun run = await CliRun.Of(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(expected, run.FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Theory]
    [InlineData("--data", "train", "--data", "")]
    [InlineData("--data", "train", "--data", "book.txt", " ")]
    [InlineData("--out", "train", "--out", "")]
    [InlineData("--resume", "train", "--resume", "")]
    [InlineData("sample", "sample", "")]
    [InlineData("watch", "watch", "")]
    [InlineData("report", "report", "run", "")]
    [InlineData("--out", "report", "run", "--out", " ")]
    public async Task EmptyPath_IsWrongUsage(string expected, params string[] arguments)
    {
        string line = (await CliRun.Of(arguments)).FailedWith(ExitCode.WrongUsage);
        Assert.StartsWith($"The path after {expected} is empty; expected", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_OfAFile_SaysThatItIsOne()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["metrics.jsonl"], "");
        string line = (await CliRun.Of("watch", folder["metrics.jsonl"])).FailedWith(ExitCode.Failed);
        Assert.StartsWith($"'{folder["metrics.jsonl"]}' is a file; expected the folder of a run", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Error_NamesTheHelpOfTheVeryCommand()
    {
        CliRun run = await CliRun.Of("bench", "step", "--reps", "x");
        Assert.EndsWith("See 'andrea bench step --help'.", run.FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "train watch sample report doctor bench")]
    [InlineData("train --help", "--data --preset --steps --batch --context --lr --max-norm --clip-policy --seed --threads --device --gpu --tf32 --no-cublas --out --resume --tokenizer --warmup --csv --tensorboard --log-lines --otlp --live --live-host")]
    [InlineData("watch --help", "RUN --port --host")]
    [InlineData("sample -h", "RUN --prompt --tokens --temperature --top-k --seed --threads --device --gpu --tf32")]
    [InlineData("report --help", "RUN --out report.html")]
    [InlineData("bench --help", "optimizer step")]
    [InlineData("bench step --help", "--preset --batch --context --threads --device --gpu --reps --json")]
    [InlineData("bench optimizer --help", "--preset --threads --device --gpu --reps --json")]
    public async Task Help_NamesEveryOption(string arguments, string expected)
    {
        CliRun run = (await CliRun.Of(arguments.Split(' '))).Succeeded();
        Assert.All(expected.Split(' '), name => Assert.Contains(name, run.Output, StringComparison.Ordinal));
        Assert.Contains("andrea ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_EveryOptionOfTrainSaysItsDefault()
    {
        CliRun run = (await CliRun.Of("train", "--help")).Succeeded();
        string[] options = [.. run.Output.Split('\n').Where(line => line.StartsWith("  --", StringComparison.Ordinal))];
        Assert.True(options.Length > 25, $"only {options.Length} options");
        Assert.All(options.Where(line => !line.Contains("--resume", StringComparison.Ordinal)),
            line => Assert.Contains("(default: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Version_IsTheLibrarys()
    {
        CliRun run = (await CliRun.Of("--version")).Succeeded();
        Assert.StartsWith(Versions.Andrea, run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("processor\t: 0\nmodel name\t: Wide Core 9000 @ 3 GHz\n", "Wide Core 9000 @ 3 GHz")]
    [InlineData("processor\t: 0\nModel\t\t: Small Board 4\n", "Small Board 4")]
    [InlineData("processor\t: 0\nBogoMIPS\t: 100\n", null)]
    [InlineData("", null)]
    public void ProcessorName_OfLinuxList_IsTheModel(string list, string? expected) =>
        Assert.Equal(expected, Andrea.Training.MachineDescription.ProcessorOf(list.Split('\n')));
}
