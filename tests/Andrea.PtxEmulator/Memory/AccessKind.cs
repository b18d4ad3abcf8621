namespace Andrea.PtxEmulator.Memory;

internal enum AccessKind
{
    Read,
    Write,
    Atomic,
}
