using Andrea.Cuda.Handles;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda;

/// <summary>One kernel, ready to be launched.</summary>
internal sealed unsafe class CudaKernel(ContextHandle context, CodeHandle module, nint function, string name)
{
    /// <summary>Whether every launch is waited for, so that an error is reported by the kernel that made it.</summary>
    public static readonly bool IsSynchronous = Environment.GetEnvironmentVariable("ANDREA_CUDA_SYNC") == "1";

    /// <summary>The kernel's name in the <c>.cu</c> file.</summary>
    public string Name => name;

    /// <summary>Enqueues the kernel. Allocates nothing.</summary>
    /// <param name="shape">Blocks and threads.</param>
    /// <param name="stream">Where to enqueue it.</param>
    /// <param name="arguments">The kernel's arguments, in order.</param>
    public void Launch(in LaunchShape shape, CudaStream stream, ref KernelArguments arguments)
    {
        void** pointers = stackalloc void*[KernelArguments.MaxCount];
        arguments.WritePointers(pointers);
        // The module stays loaded until the call returns, even if another thread disposes it.
        bool held = false;
        module.DangerousAddRef(ref held);
        try
        {
            using (context.Enter())
            {
                context.Driver.LaunchKernel(function, shape, stream.Value, pointers);
                if (IsSynchronous && !stream.IsRecording)
                    context.Driver.SynchronizeStream(stream.Value);
            }
        }
        catch (CudaException error)
        {
            throw error.While($"kernel {name} on {shape}");
        }
        finally
        {
            module.DangerousRelease();
        }
    }

    /// <summary>Lets blocks have that much dynamic shared memory; needed above 48 KB.</summary>
    public void AllowDynamicShared(int bytes)
    {
        using (context.Enter())
            context.Driver.SetMaxDynamicShared(function, bytes);
    }

    /// <summary>Registers, shared or local memory of the compiled kernel.</summary>
    public int GetAttribute(CudaFunctionAttribute attribute)
    {
        using (context.Enter())
            return context.Driver.GetFunctionAttribute(function, attribute);
    }
}
