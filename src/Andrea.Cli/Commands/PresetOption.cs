using System.CommandLine;
using Andrea.Training;

namespace Andrea.Cli.Commands;

/// <summary>The option that names a model size.</summary>
internal static class PresetOption
{
    private static string Names => string.Join(", ", Preset.All.Select(preset => preset.Name));

    public static Option<Preset?> Create(string help, Preset byDefault) => new("--preset")
    {
        Description = $"{help} One of {Names} (default: {byDefault.Name}).",
        HelpName = "NAME",
        // A class as value would otherwise make the name optional.
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = static result =>
        {
            string name = result.Tokens[0].Value;
            Preset? found = Preset.All.FirstOrDefault(preset => preset.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (found is null)
                result.AddError($"There is no preset '{name}'; choose one of {Names}");
            return found;
        },
    };
}
