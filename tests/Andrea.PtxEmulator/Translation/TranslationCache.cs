using System.Collections.Concurrent;
using Andrea.PtxEmulator.Parsing;

namespace Andrea.PtxEmulator.Translation;

/// <summary>Each text is parsed once in a process, and each of its kernels translated once, whatever number of devices load it.</summary>
internal static class TranslationCache
{
    private static readonly ConcurrentDictionary<string, PtxModule> Modules = new();
    private static readonly ConcurrentDictionary<(PtxModule Module, string Kernel, bool Races, bool Count), Lazy<TranslatedKernel>> Kernels = new();

    public static PtxModule Parse(string ptx) => Modules.GetOrAdd(ptx, PtxModule.Parse);

    /// <summary>A kernel of a module, as a method of this machine.</summary>
    public static TranslatedKernel Get(PtxModule module, string name, bool detectRaces, bool countInstructions) => Kernels.GetOrAdd(
        (module, name, detectRaces, countInstructions),
        _ => new Lazy<TranslatedKernel>(() => KernelTranslator.Translate(module, module.Functions[name], detectRaces, countInstructions))).Value;
}
