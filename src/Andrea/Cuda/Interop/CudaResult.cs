namespace Andrea.Cuda.Interop;

/// <summary>The driver's CUresult: the codes that Andrea tells apart. Any other value may occur too; the driver names it.</summary>
internal enum CudaResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    Deinitialized = 4,
    NoDevice = 100,
    InvalidDevice = 101,
    InvalidImage = 200,
    InvalidContext = 201,
    NoBinaryForGpu = 209,
    EccUncorrectable = 214,
    InvalidPtx = 218,
    NvlinkUncorrectable = 220,
    JitCompilerNotFound = 221,
    UnsupportedPtxVersion = 222,
    InvalidHandle = 400,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    LaunchOutOfResources = 701,
    LaunchTimeout = 702,
    ContextIsDestroyed = 709,
    Assert = 710,
    HardwareStackError = 714,
    IllegalInstruction = 715,
    MisalignedAddress = 716,
    InvalidAddressSpace = 717,
    InvalidProgramCounter = 718,
    LaunchFailed = 719,
    NotSupported = 801,
    SystemDriverMismatch = 803,
    StreamCaptureUnsupported = 900,
    StreamCaptureInvalidated = 901,
    Unknown = 999,
}

internal static class CudaResults
{
    /// <summary>Whether the error outlives the call: every later call in the context fails with it, and only a new process helps.</summary>
    public static bool IsSticky(this CudaResult result) => result
        is CudaResult.EccUncorrectable or CudaResult.NvlinkUncorrectable or CudaResult.LaunchTimeout or CudaResult.ContextIsDestroyed
        or CudaResult.IllegalAddress or CudaResult.Assert or CudaResult.HardwareStackError or CudaResult.IllegalInstruction
        or CudaResult.MisalignedAddress or CudaResult.InvalidAddressSpace or CudaResult.InvalidProgramCounter or CudaResult.LaunchFailed
        or CudaResult.Unknown;

    /// <summary>Whether something could not be freed only because the process or the context is already going away, and it with them.</summary>
    public static bool IsShutdown(this CudaResult result) => result is CudaResult.Deinitialized or CudaResult.ContextIsDestroyed;
}
