using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Andrea.PtxEmulator;
using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Runs one instruction on many rows of operands: a kernel is written around it, and each thread takes a row.</summary>
internal static class PtxOperation
{
    public const string Header = ".version 8.0\n.target sm_80\n.address_size 64\n";

    private const int ThreadsPerBlock = 128;

    /// <summary>The results, one for each row, zero-extended to 64 bits.</summary>
    /// <param name="instruction">The instruction without operands, such as <c>add.s32</c>.</param>
    /// <param name="result">The type of the result.</param>
    /// <param name="operands">The types of the operands, separated by blanks; a number instead of a type is that number as it stands.</param>
    /// <param name="rows">Bits of the operands, one row after another.</param>
    public static ulong[] Evaluate(string instruction, string result, string operands, ulong[][] rows)
    {
        using var device = new EmulatedDevice(new LaunchOptions { Workers = 1 });
        using LoadedModule module = device.Load(Kernel(instruction, result, operands.Split(' ')));
        ulong[] input = [.. rows.SelectMany(row => row)];
        ulong from = device.Memory.Allocate((ulong)(input.Length * sizeof(ulong)));
        ulong to = device.Memory.Allocate((ulong)(rows.Length * sizeof(ulong)));
        device.Memory.Write(from, MemoryMarshal.AsBytes<ulong>(input));
        int blocks = (rows.Length + ThreadsPerBlock - 1) / ThreadsPerBlock;
        device.Launch(module, "k", new((uint)blocks), new(ThreadsPerBlock), 0, Arguments(from, to, (ulong)rows.Length));
        var results = new ulong[rows.Length];
        device.Memory.Read(to, MemoryMarshal.AsBytes(results.AsSpan()));
        return results;
    }

    public static byte[] Arguments(params ulong[] values) => MemoryMarshal.AsBytes<ulong>(values).ToArray();

    private static string Kernel(string instruction, string result, string[] operands)
    {
        var text = new StringBuilder(Header);
        string[] variable = [.. operands.Where(IsType)];
        text.AppendLine(".visible .entry k(.param .u64 from, .param .u64 to, .param .u64 rows)\n{");
        text.AppendLine(".reg .pred %done; .reg .b32 %t<4>; .reg .b64 %a<8>; .reg .b32 %i<8>;");
        text.AppendLine(CultureInfo.InvariantCulture, $".reg .{RegisterType(result)} %d;");
        for (int i = 0; i < variable.Length; i++)
            text.AppendLine(CultureInfo.InvariantCulture, $".reg .{RegisterType(variable[i])} %x{i};");
        text.AppendLine("mov.u32 %t0, %tid.x; mov.u32 %t1, %ctaid.x; mov.u32 %t2, %ntid.x; mad.lo.u32 %t0, %t1, %t2, %t0;");
        text.AppendLine("cvt.u64.u32 %a0, %t0; ld.param.u64 %a1, [rows]; setp.ge.u64 %done, %a0, %a1; @%done ret;");
        text.AppendLine(CultureInfo.InvariantCulture, $"ld.param.u64 %a2, [from]; mad.lo.u64 %a2, %a0, {8 * variable.Length}, %a2;");
        text.AppendLine("ld.param.u64 %a3, [to]; mad.lo.u64 %a3, %a0, 8, %a3; mov.u64 %a4, 0; st.global.u64 [%a3], %a4;");
        for (int i = 0; i < variable.Length; i++)
            text.AppendLine(variable[i] == "pred"
                ? string.Create(CultureInfo.InvariantCulture, $"ld.global.u32 %i{i}, [%a2+{8 * i}]; setp.ne.u32 %x{i}, %i{i}, 0;")
                : string.Create(CultureInfo.InvariantCulture, $"ld.global.{variable[i]} %x{i}, [%a2+{8 * i}];"));
        int next = 0;
        string list = string.Join(", ", operands.Select(operand => IsType(operand) ? $"%x{next++}" : operand));
        text.AppendLine(CultureInfo.InvariantCulture, $"{instruction} %d, {list};");
        text.AppendLine(result == "pred"
            ? "selp.u32 %i7, 1, 0, %d; st.global.u32 [%a3], %i7;"
            : $"st.global.{result} [%a3], %d;");
        return text.AppendLine("ret;\n}").ToString();
    }

    private static bool IsType(string operand) => !char.IsAsciiDigit(operand[0]) && operand[0] != '-';

    /// <summary>Registers of 8 bits do not exist: PTX holds such values in wider ones.</summary>
    private static string RegisterType(string type) => type switch
    {
        "pred" or "f32" or "f64" => type,
        "f16" => "b16",
        _ => $"b{Math.Max(16, int.Parse(type.AsSpan(1), CultureInfo.InvariantCulture))}",
    };
}
