using System.Runtime.InteropServices;

namespace Andrea.Cuda.Interop;

internal sealed unsafe partial class CudaDriver
{
    /// <summary>The driver's functions under their own names; "_v2" stands where the driver keeps an older function of the same name.</summary>
    private static partial class Native
    {
        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDriverGetVersion(out int version);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuInit(uint flags);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuGetErrorName(CudaResult result, out nint name);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuGetErrorString(CudaResult result, out nint text);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDeviceGetCount(out int count);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDeviceGet(out int device, int ordinal);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDeviceGetName(byte* name, int size, int device);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDeviceTotalMem_v2(out nuint bytes, int device);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDeviceGetAttribute(out int value, CudaDeviceAttribute attribute, int device);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDevicePrimaryCtxRetain(out nint context, int device);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuDevicePrimaryCtxRelease_v2(int device);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuCtxSetCurrent(nint context);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuCtxGetCurrent(out nint context);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuCtxGetDevice(out int device);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuCtxSynchronize();

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuModuleLoadDataEx(out nint module, byte* image, uint optionCount, int* options, void** values);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuModuleUnload(nint module);

        [LibraryImport(NativeLibraries.Driver, StringMarshalling = StringMarshalling.Utf8)]
        public static partial CudaResult cuModuleGetFunction(out nint function, nint module, string name);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuFuncSetAttribute(nint function, CudaFunctionAttribute attribute, int value);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuPointerGetAttribute(uint* value, int attribute, nint address);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuStreamIsCapturing(nint stream, out int status);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuFuncGetAttribute(out int value, CudaFunctionAttribute attribute, nint function);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuLaunchKernel(
            nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
            uint sharedBytes, nint stream, void** arguments, void** extra);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemGetInfo_v2(out nuint free, out nuint total);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemAlloc_v2(out nint address, nuint bytes);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemFree_v2(nint address);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemAllocAsync(out nint address, nuint bytes, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemFreeAsync(nint address, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemHostAlloc(out nint host, nuint bytes, uint flags);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemFreeHost(nint host);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemcpyHtoD_v2(nint target, void* source, nuint bytes);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemcpyDtoH_v2(void* target, nint source, nuint bytes);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemcpyDtoD_v2(nint target, nint source, nuint bytes);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemcpyHtoDAsync_v2(nint target, void* source, nuint bytes, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemcpyDtoHAsync_v2(void* target, nint source, nuint bytes, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemcpyDtoDAsync_v2(nint target, nint source, nuint bytes, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemsetD8Async(nint target, byte value, nuint count, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuMemsetD32Async(nint target, uint value, nuint count, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuStreamCreate(out nint stream, uint flags);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuStreamDestroy_v2(nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuStreamSynchronize(nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuStreamWaitEvent(nint stream, nint @event, uint flags);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuEventCreate(out nint @event, uint flags);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuEventDestroy_v2(nint @event);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuEventRecord(nint @event, nint stream);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuEventQuery(nint @event);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuEventSynchronize(nint @event);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuEventElapsedTime(out float milliseconds, nint start, nint end);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuStreamBeginCapture_v2(nint stream, int mode);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuStreamEndCapture(nint stream, out nint graph);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuGraphDestroy(nint graph);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuGraphInstantiateWithFlags(out nint executable, nint graph, ulong flags);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuGraphExecDestroy(nint executable);

        [LibraryImport(NativeLibraries.Driver)]
        public static partial CudaResult cuGraphLaunch(nint executable, nint stream);
    }
}
