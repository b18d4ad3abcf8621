namespace Andrea.PtxEmulator.Translation;

/// <summary>The special registers <c>%lanemask_eq</c> and so on, called by translated code by these names.</summary>
internal static class LaneMasks
{
    public static uint EQ(uint lane) => 1u << (int)lane;

    public static uint LT(uint lane) => EQ(lane) - 1;

    public static uint LE(uint lane) => LT(lane) | EQ(lane);

    public static uint GT(uint lane) => ~LE(lane);

    public static uint GE(uint lane) => ~LT(lane);
}
