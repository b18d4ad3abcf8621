using Andrea.Cuda.Compilation;

namespace Andrea.Cuda.Interop;

/// <summary>The part of NVRTC, NVIDIA's run-time compiler, that Andrea uses.</summary>
/// <remarks>Operations throw <see cref="CudaException"/> when NVRTC refuses; <see cref="DestroyProgram"/> never throws.
/// Needs no GPU and no driver.</remarks>
internal interface INvrtc
{
    /// <summary>Where NVRTC was found.</summary>
    string Library { get; }

    /// <summary>Version as in <c>12.4</c>.</summary>
    Version Version { get; }

    /// <summary>The architectures that can be compiled for, ascending: 80 stands for sm_80.</summary>
    IReadOnlyList<int> GetArchitectures();

    /// <summary>Makes a program; give it back with <see cref="DestroyProgram"/>.</summary>
    /// <param name="source">CUDA C++ text.</param>
    /// <param name="name">File name for messages.</param>
    /// <param name="headers">What <c>#include "name"</c> finds.</param>
    nint CreateProgram(string source, string name, IReadOnlyList<KernelSource> headers);

    void DestroyProgram(nint program);

    /// <summary>Compiles; afterwards the log can be read, and PTX or CUBIN when it succeeded.</summary>
    /// <returns>Whether the code compiled.</returns>
    bool CompileProgram(nint program, IReadOnlyList<string> options);

    /// <summary>What the compiler said, warnings included; may be empty.</summary>
    string GetLog(nint program);

    /// <summary>The PTX text with its closing zero byte.</summary>
    byte[] GetPtx(nint program);

    /// <summary>The machine code; only for <c>--gpu-architecture=sm_XX</c>.</summary>
    byte[] GetCubin(nint program);
}
