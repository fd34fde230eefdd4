using Iced.Intel;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>What machine code does to its caller, by Iced's reading; what it computes, the tests of products and of attention compare with the definition.</summary>
public sealed class MachineCodeTests
{
    private static readonly string[] Common = ["X64", "CMOV", "SSE", "INTEL8086", "INTEL186", "INTEL386", "AVX"];

    /// <summary>Every function that is placed, by where its code is made and its number there.</summary>
    public static TheoryData<string, int> All =>
    [
        .. Enumerable.Range(0, VnniCode.Functions).Select(function => (nameof(VnniCode), function)),
        .. Enumerable.Range(0, WordTiles.Functions).Select(function => (nameof(WordTiles), function)),
    ];

    [Theory, MemberData(nameof(All))]
    public void Function_EveryInstruction_ChangesOnlyWhatItMay(string made, int function)
    {
        // By the convention of System V; the lower vectors, too, are the callee's.
        HashSet<string> free = ["Rax", "Rcx", "Rdx", "Rsi", "Rdi", "R8", "R9", "R10", "R11"];
        var code = FunctionAt(made, function);
        if (code.Any(instruction => instruction.Mnemonic == Mnemonic.Push))
            free.Add("Rbx");
        var infos = new InstructionInfoFactory();

        foreach (var instruction in code)
        {
            var changed = infos.GetInfo(instruction).GetUsedRegisters().Where(used => used.Access is not (OpAccess.Read or OpAccess.CondRead)).Select(used => used.Register).Where(register => !register.IsVectorRegister());
            if (instruction.Mnemonic is not (Mnemonic.Push or Mnemonic.Pop or Mnemonic.Ret))
                Assert.Subset(free, changed.Select(MachineCode.NameOf).ToHashSet());
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Function_Ends_WithOneReturnAndTheStackAsItWas(string made, int function)
    {
        var code = FunctionAt(made, function);
        var pushes = code.Where(instruction => instruction.Mnemonic == Mnemonic.Push).ToArray();
        if (pushes.Length > 0)
        {
            // Kept before anything is done, and given back after all of it.
            Assert.Equal(Iced.Intel.Register.RBX, Assert.Single(pushes).Op0Register);
            Assert.Equal(0, code.IndexOf(pushes[0]));
            Assert.Equal((Mnemonic.Pop, Iced.Intel.Register.RBX), (code[^3].Mnemonic, code[^3].Op0Register));
        }

        Assert.Equal([Mnemonic.Vzeroupper, Mnemonic.Ret], code.TakeLast(2).Select(instruction => instruction.Mnemonic));
        Assert.Single(code, instruction => instruction.FlowControl == FlowControl.Return);
        Assert.Equal(pushes.Length, code.Count(instruction => instruction.Mnemonic == Mnemonic.Pop));
        Assert.All(code.Where(instruction => instruction.Op0Kind == OpKind.NearBranch64), jump => Assert.Contains(code.SkipLast(2), instruction => instruction.IP == jump.NearBranchTarget || pushes.Length == 0));
    }

    [Theory, MemberData(nameof(All))]
    public void Function_EveryInstruction_BelongsToWhatIsAskedFor(string made, int function)
    {
        string[] available = [.. Common, .. made == nameof(VnniCode) ? (string[])["AVX512F", "AVX512BW", "AVX512_VNNI"] : ["AVX2", "FMA"]];

        Assert.All(FunctionAt(made, function).SelectMany(instruction => instruction.CpuidFeatures), feature => Assert.Contains(feature.ToString(), available));
    }

    private static List<Instruction> FunctionAt(string made, int function)
    {
        var entries = new int[made == nameof(VnniCode) ? VnniCode.Functions : WordTiles.Functions];
        var code = made == nameof(VnniCode) ? VnniCode.Assemble(entries) : WordTiles.Assemble(entries);
        var end = function + 1 < entries.Length ? entries[function + 1] : code.Length;
        return MachineCode.Read(code[entries[function]..end]);
    }
}
