using System.Runtime.Intrinsics;

namespace Andrea.Cpu.Gradients;

/// <summary>How 16 parameters are updated. Implemented by structs, so that the loops are compiled for each rule by itself.</summary>
internal interface IUpdateRule
{
    /// <summary>Updates parameters and moments.</summary>
    /// <param name="g">The gradients, as they lie in memory.</param>
    /// <param name="p">The parameters.</param><param name="m">First moments.</param><param name="v">Second moments.</param>
    /// <returns>The gradients as they entered the moments.</returns>
    Vector512<float> Update(Vector512<float> g, ref Vector512<float> p, ref Vector512<float> m, ref Vector512<float> v);

    /// <summary>What a second moment, widened, is measured as, before its bias is corrected.</summary>
    Vector512<double> SecondMoment(Vector512<double> v);
}
