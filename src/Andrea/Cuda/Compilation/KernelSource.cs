namespace Andrea.Cuda.Compilation;

/// <summary>One file of CUDA C++.</summary>
/// <param name="Name">File name, such as <c>adamw.cu</c>.</param>
/// <param name="Text">Contents.</param>
internal readonly record struct KernelSource(string Name, string Text);
