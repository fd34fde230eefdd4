using Iced.Intel;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>What machine code does to its caller, by Iced's reading; what it computes, the tests of products and of attention compare with the definition.</summary>
public sealed class VnniCodeTests
{
    private const int Functions = (3 * 2 * VnniCode.MostTokens) + 4;

    public static TheoryData<int> All => [.. Enumerable.Range(0, Functions)];

    [Theory, MemberData(nameof(All))]
    public void Function_EveryInstruction_ChangesOnlyWhatItMay(int function)
    {
        // By the convention of System V; the lower vectors, too, are the callee's.
        HashSet<string> free = ["Rax", "Rcx", "Rdx", "Rsi", "Rdi", "R8", "R9", "R10", "R11"];
        var code = FunctionAt(function);
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
    public void Function_Ends_WithOneReturnAndTheStackAsItWas(int function)
    {
        var code = FunctionAt(function);

        Assert.Equal([Mnemonic.Vzeroupper, Mnemonic.Ret], code.TakeLast(2).Select(instruction => instruction.Mnemonic));
        Assert.Single(code, instruction => instruction.FlowControl == FlowControl.Return);
        Assert.Equal(code.Where(instruction => instruction.Mnemonic == Mnemonic.Push).Select(instruction => instruction.Op0Register), code.Where(instruction => instruction.Mnemonic == Mnemonic.Pop).Select(instruction => instruction.Op0Register));
        Assert.All(code.Where(instruction => instruction.Op0Kind == OpKind.NearBranch64), jump => Assert.Contains(code, instruction => instruction.IP == jump.NearBranchTarget));
    }

    [Theory, MemberData(nameof(All))]
    public void Function_EveryInstruction_BelongsToWhatIsAskedFor(int function)
    {
        string[] available = ["X64", "MULTIBYTENOP", "CMOV", "PREFETCHW", "SSE", "INTEL8086", "INTEL186", "INTEL386", "AVX", "AVX512F", "AVX512BW", "AVX512_VNNI"];

        Assert.All(FunctionAt(function).SelectMany(instruction => instruction.CpuidFeatures), feature => Assert.Contains(feature.ToString(), available));
    }

    private static List<Instruction> FunctionAt(int function)
    {
        var entries = new int[Functions];
        var code = VnniCode.Assemble(entries);
        var end = function + 1 < Functions ? entries[function + 1] : code.Length;
        return MachineCode.Read(code[entries[function]..end]);
    }
}
